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
  if (isSessionError(error)) return [withCause(error)];
  return isOfSystem(error) ? [error.message] : (error.stack ?? error.message).split('\n');
}

/** Whether an error says what is wrong with the world, and not with this program. */
export function isForeseen(error: unknown): error is Error {
  return (
    error instanceof CommandError || isSessionError(error) || (error instanceof Error && isOfSystem(error))
  );
}

/** What the system says, or a database. */
function isOfSystem(error: NodeJS.ErrnoException & { readonly severity?: unknown }): boolean {
  return error.code !== undefined && (error.syscall !== undefined || error.severity !== undefined);
}

function withCause({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message)
    ? `${message}: ${cause.message}`
    : message;
}
