/**
 * What the benchmark's commands share with each other: how options are read, and how a command says that it could not
 * be run.
 */

import { CommanderError, InvalidArgumentError } from 'commander';
import { COULD_NOT_RUN, explain } from '../dist/cli/command-error.js';

/** Reads a whole number from `low` to `high`; underscores and commas may group its digits. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const digits = text.replaceAll(/[_,]/g, '');
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
    if (number >= low && number <= high) return number;
    throw new InvalidArgumentError(`It should be a whole number from ${low} to ${high}.`);
  };
}

/** Reads a day. */
export const DAY = (text: string): string => {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay) throw new InvalidArgumentError('It should be a day such as 2024-01-15.');
  return text;
};

/** For whatever ends a command: the lines that say why, and the exit code. */
export function failOn(command: string): (error: unknown) => void {
  return (error) => {
    for (const line of explain(error)) process.stderr.write(`${command}: ${line}\n`);
    // Help that was asked for is told as an error, too.
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : COULD_NOT_RUN;
  };
}
