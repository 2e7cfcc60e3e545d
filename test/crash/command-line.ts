/** What the commands have in common that try servers for long: their numbers, their folder, how far they are. */

import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';

/** Between two lines of progress where nobody watches, in milliseconds. */
const QUIET_MS = 5_000;

/** @throws Error for what is none, in a line that says what it should be */
export function wholeNumber(name: string, text: string | undefined, fallback: number, min: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text) && Number(text) >= min) return Number(text);
  throw new Error(`--${name} should be a whole number from ${min} to 999999999, not "${text}"`);
}

const DEFAULT_SERVER = [process.execPath, resolve('dist/main.js')];

/** A command that starts a server in another folder than this one: what is a file here is named in full. */
export function serverCommand(text: string | undefined): readonly string[] {
  const words = text?.split(' ').filter(Boolean);
  return words?.map((word) => (existsSync(word) ? resolve(word) : word)) ?? DEFAULT_SERVER;
}

export function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** One line that is written over on a terminal, a line every few seconds elsewhere. */
export function teller<T>(summary: (progress: T) => string): (progress: T) => void {
  let last = performance.now();
  return (progress) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${summary(progress)}`);
    else if (performance.now() - last >= QUIET_MS) {
      last = performance.now();
      process.stdout.write(`${summary(progress)}\n`);
    }
  };
}
