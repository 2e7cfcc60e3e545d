/**
 * Whatever a step threw, as the failure that its session keeps. Pure.
 */

import { isSessionError } from './errors.js';
import { isJsonObject } from './json.js';
import type { Failure } from './session-event.js';
import { jsonRule, LIMITS } from './session-rules.js';

/**
 * The failure of something thrown: an `Error`, an error with the Python components' `toDict()`, or any value.
 * A stack is left out (it names paths of the machine); a message is cut to `LIMITS.messageLength`.
 */
export function describeFailure(thrown: unknown): Failure {
  const details = isSessionError(thrown) ? thrown.details : detailsOf(thrown);
  return {
    error: nameOf(thrown).slice(0, LIMITS.nameLength),
    message: messageOf(thrown).slice(0, LIMITS.messageLength),
    component: componentOf(thrown),
    details,
  };
}

function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'Error';
  return thrown.name !== 'Error' ? thrown.name : thrown.constructor.name || 'Error';
}

function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message === '' ? 'no message' : message;
}

function componentOf(thrown: unknown): string | null {
  const component = (thrown as { component?: unknown } | null | undefined)?.component;
  return typeof component === 'string' ? component.slice(0, LIMITS.nameLength) : null;
}

function detailsOf(thrown: unknown): Failure['details'] {
  const details = (thrown as { details?: unknown } | null | undefined)?.details;
  return isJsonObject(details) && jsonRule(details, []).length === 0 ? details : {};
}
