/**
 * Why a command could not be run, in lines for the one who typed it; and what a command ends with.
 */

import { CommanderError } from 'commander';
import { ConfigError } from '../config.js';
import { isSessionError } from '../session/domain/errors.js';

export const PROBLEMS_FOUND = 1;
export const COULD_NOT_RUN = 2;

/** A command could not be run for a reason that its message says; there is no more to tell. */
export class CommandError extends Error {}

/** The lines that say why; none for what commander has told itself, a stack for what nobody foresaw. */
export function explain(error: unknown): readonly string[] {
  if (error instanceof CommanderError) return [];
  if (error instanceof ConfigError) return error.faults;
  if (error instanceof CommandError) return [error.message];
  if (!(error instanceof Error)) return [String(error)];
  if (isSystemError(error)) return [error.message];
  return isSessionError(error) ? [withCause(error)] : (error.stack ?? error.message).split('\n');
}

function isSystemError(error: NodeJS.ErrnoException): boolean {
  return error.code !== undefined && error.syscall !== undefined;
}

function withCause({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message)
    ? `${message}: ${cause.message}`
    : message;
}
