/**
 * How far a long command is, on standard error: on a terminal one line that is written over, else a plain line every few
 * seconds.
 */

import { bar, count, duration } from './text.js';

const BAR_COLUMNS = 20;
/** Between two looks of the line on a terminal, and between two plain lines, in milliseconds. */
const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  /** How many are done, what else there is to say, and of how many where that has become known. */
  update(done: number, note?: string, total?: number): void;
  /** Makes room for a line of output. */
  clear(): void;
  stop(): void;
}

/** For what is over in a moment. */
export const NO_PROGRESS: Progress = {
  update: () => undefined,
  clear: () => undefined,
  stop: () => undefined,
};

/**
 * @param what what becomes of them, such as `verified`; `thing`: what one of them is
 * @param total how many there are; it may not be known yet, and some may be added meanwhile
 */
export function startProgress(what: string, thing: string, total?: number): Progress {
  const onTerminal = process.stderr.isTTY === true;
  const begun = performance.now();
  let state: Standing = { done: 0, note: '', total };
  const line = () => lineOf(what, thing, state, performance.now() - begun);
  const part = () => Math.min(1, state.done / Math.max(1, state.total ?? 0));
  const drawn = () => `${CLEAR_LINE}${bar(0, part(), BAR_COLUMNS).padEnd(BAR_COLUMNS)} ${line()}`;
  const write = () => process.stderr.write(onTerminal ? drawn() : `${line()}\n`);
  const timer = setInterval(write, onTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS);
  const clear = () => void (onTerminal && process.stderr.write(CLEAR_LINE));
  return {
    update: (done, note = '', of = state.total) => {
      state = { done, note, total: of };
    },
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}

/** Where it stands. */
export interface Standing {
  readonly done: number;
  readonly note: string;
  readonly total: number | undefined;
}

/** As `verified 3 of 10 sessions, 2.33 s left`, with what is known of it. Pure. */
export function lineOf(what: string, thing: string, { done, note, total }: Standing, ms: number): string {
  const isBounded = total !== undefined && total >= done;
  const many = isBounded ? `${done.toLocaleString('en')} of ${count(total, thing)}` : count(done, thing);
  const left = isBounded && done > 0 ? `, ${duration((ms / done) * (total - done))} left` : '';
  return `${what} ${many}${left}${note && `, ${note}`}`;
}
