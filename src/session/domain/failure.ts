/**
 * Whatever a step threw, as the failure that its session keeps. Never throws itself and always keeps the rules of
 * `failureRule`: what failed must be recorded, however odd the error. Pure.
 */

import { isJsonObject, jsonBytes } from './json.js';
import type { Failure } from './session-event.js';
import { jsonRule, LIMITS, nameRule } from './session-rules.js';

/** Details beyond this many bytes of JSON are left out. */
const MAX_DETAILS_BYTES = 16 * 1024;

/**
 * The failure of something thrown: an `Error`, an error with `component` and `details` as the Python components have
 * them, or any value. A stack is left out (it names paths of the machine); a message is cut to `LIMITS.messageLength`.
 */
export function describeFailure(thrown: unknown): Failure {
  return {
    error: attempt(() => nameOf(thrown)) ?? 'Error',
    message: cut(attempt(() => messageOf(thrown)) ?? 'no message', LIMITS.messageLength),
    component: attempt(() => nameFrom(thrown, 'component')) ?? null,
    details: attempt(() => detailsOf(thrown)) ?? {},
  };
}

/** What was thrown may have getters that throw, and methods that lie. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function nameOf(thrown: unknown): string | undefined {
  const name = nameFrom(thrown, 'name');
  if (name !== undefined && name !== 'Error') return name;
  return thrown instanceof Error ? nameFrom(thrown.constructor, 'name') : undefined;
}

/** A member of what was thrown that is fit to be a name. */
function nameFrom(thrown: unknown, member: 'name' | 'component'): string | undefined {
  const name = (thrown as Record<string, unknown> | null | undefined)?.[member];
  if (typeof name !== 'string') return undefined;
  const short = cut(name, LIMITS.nameLength);
  return nameRule(short, []).length === 0 ? short : undefined;
}

/** Well-formed, whatever was thrown: also where the cut goes through a pair of UTF-16. */
function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}

function messageOf(thrown: unknown): string | undefined {
  const message = thrown instanceof Error ? thrown.message : thrown;
  return String(message) || undefined;
}

function detailsOf(thrown: unknown): Failure['details'] | undefined {
  const details = (thrown as { details?: unknown } | null | undefined)?.details;
  if (!isJsonObject(details) || jsonRule(details, []).length > 0) return undefined;
  return jsonBytes(details) <= MAX_DETAILS_BYTES ? details : undefined;
}
