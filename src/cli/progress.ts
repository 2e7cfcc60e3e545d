/**
 * How far a long command is, on standard error: a bar on a terminal, else a plain line every few seconds.
 */

import { Presets, SingleBar } from 'cli-progress';

/** Between two plain lines, in milliseconds. */
const LINE_EVERY_MS = 5_000;

export interface Progress {
  /** How many are done, and what else there is to say. */
  update(done: number, note?: string): void;
  /** Makes room for a line of output: the bar stands in the terminal's last one, and is drawn again below it. */
  clear(): void;
  stop(): void;
}

/** For what is over in a moment. */
export const NO_PROGRESS: Progress = {
  update: () => undefined,
  clear: () => undefined,
  stop: () => undefined,
};

/** @param what what becomes of them, such as `verified`; `things`: what they are */
export function startProgress(what: string, things: string, total: number): Progress {
  return process.stderr.isTTY ? startBar(what, things, total) : startLines(what, things, total);
}

function startBar(what: string, things: string, total: number): Progress {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: `{bar} {percentage} % · ${what} {value} of {total} ${things} · {eta_formatted} left{note}`,
      formatValue: (value, _options, type) => (type === 'percentage' ? `${value}` : grouped(value)),
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 1_000,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { note: '' });
  return {
    update: (done, note = '') => bar.update(done, { note: note && ` · ${note}` }),
    clear: () => process.stderr.write('\r\u001b[K'),
    stop: () => bar.stop(),
  };
}

/** What is done within the first of the pauses needs no line. */
function startLines(what: string, things: string, total: number): Progress {
  let line = '';
  const timer = setInterval(() => process.stderr.write(`${line}\n`), LINE_EVERY_MS);
  return {
    update: (done, note = '') => {
      line = `${what} ${grouped(done)} of ${grouped(total)} ${things}${note && `, ${note}`}`;
    },
    clear: () => undefined,
    stop: () => clearInterval(timer),
  };
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}
