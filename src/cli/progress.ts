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
  /** How many are done, and what else there is to say. */
  update(done: number, note?: string): void;
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

/** @param what what becomes of them, such as `verified`; `thing`: what one of them is */
export function startProgress(what: string, thing: string, total: number): Progress {
  const onTerminal = process.stderr.isTTY === true;
  const begun = performance.now();
  let [done, note] = [0, ''];
  const line = () => {
    const left =
      done === 0 ? '' : `, ${duration(((performance.now() - begun) / done) * (total - done))} left`;
    return `${what} ${done.toLocaleString('en')} of ${count(total, thing)}${left}${note && `, ${note}`}`;
  };
  const drawn = () =>
    `${CLEAR_LINE}${bar(0, done / Math.max(1, total), BAR_COLUMNS).padEnd(BAR_COLUMNS)} ${line()}`;
  const write = () => process.stderr.write(onTerminal ? drawn() : `${line()}\n`);
  const timer = setInterval(write, onTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS);
  const clear = () => void (onTerminal && process.stderr.write(CLEAR_LINE));
  return {
    update: (now, also = '') => {
      [done, note] = [now, also];
    },
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}
