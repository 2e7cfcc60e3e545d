/**
 * Every error that the component raises on purpose. Each has a literal `code`, `details` that are safe to show
 * to a client, and the `cause` for the log. Pure: HTTP statuses are none of its business (see session.filter.ts).
 */

import type { JsonObject, JsonValue } from './json.js';

/** An error as the Python component's `to_dict()` gave it. */
export interface SessionErrorDict {
  readonly error: string;
  readonly message: string;
  readonly component: string;
  readonly details: JsonObject;
}

/** What is wrong with one value of an input, in FastAPI's words: kind, place and sentence. */
export interface Fault {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

/** What all errors of the component have in common. */
export abstract class ComponentError extends Error {
  abstract readonly code: string;
  readonly component = 'session';

  constructor(
    message: string,
    readonly details: JsonObject,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }

  toDict(): SessionErrorDict {
    return {
      error: this.code,
      message: this.message,
      component: this.component,
      details: this.details,
    };
  }
}

/** How many faults one error names, and how many characters their places and sentences may take. */
const MAX_FAULTS = 100;
const MAX_FAULTS_SIZE = 16_384;

/** No session of that id: unknown, malformed, or removed. */
export class SessionNotFoundError extends ComponentError {
  readonly code = 'SessionNotFoundError';
  constructor(id: string) {
    super(`Session ${printable(id)} not found`, { session_id: printable(id) });
  }
}

/** The lifecycle does not allow the transition that was asked for. */
export class InvalidSessionStateError extends ComponentError {
  readonly code = 'InvalidSessionStateError';
  constructor(from: string, to: string, allowed: readonly string[]) {
    const next = allowed.length > 0 ? `it may become ${allowed.join(' or ')}` : 'it is final';
    super(`A session that is ${from} cannot become ${to}: ${next}`, { from, to, allowed });
  }
}

/** The caller decided on a revision that is no longer the session's. Nothing was written. */
export class SessionConflictError extends ComponentError {
  readonly code = 'SessionConflictError';
  constructor(expected: JsonValue, actual: number) {
    const is = Number.isNaN(expected)
      ? 'and what was expected is no revision'
      : 'which is not what was expected';
    super(`The session is at revision ${actual}, ${is}`, { expected, actual });
  }
}

/** An input broke a rule; `faults` names every one, within reason. Nothing was written. */
export class SessionValidationError extends ComponentError {
  readonly code = 'SessionValidationError';
  readonly faults: readonly Fault[];
  constructor(found: readonly Fault[]) {
    const faults = withinReason(found);
    const message = faults.map((fault) => `${printable(fault.loc.join('.'))}: ${fault.msg}`).join('; ');
    super(message, { faults: faults as unknown as JsonValue });
    this.faults = faults;
  }
}

/** An answer must not be many times its question: long names are cut, and the last fault counts those left out. */
function withinReason(found: readonly Fault[]): Fault[] {
  const faults: Fault[] = [];
  let size = 0;
  for (const fault of found) {
    const loc = fault.loc.map((name) => (typeof name === 'string' ? shortened(name) : name));
    size += JSON.stringify(loc).length + fault.msg.length;
    if (faults.length === MAX_FAULTS || (size > MAX_FAULTS_SIZE && faults.length > 0)) {
      const msg = `${found.length - faults.length} more faults were found`;
      return [...faults, { type: 'too_many_faults', loc: [], msg }];
    }
    faults.push({ ...fault, loc });
  }
  return faults;
}

/** A session was created with this key already, by a request that said something else. Nothing was written. */
export class IdempotencyKeyReusedError extends ComponentError {
  readonly code = 'IdempotencyKeyReusedError';
  constructor() {
    super('This Idempotency-Key was used before, with another request: take a new key for a new request', {});
  }
}

/** Another request with this key is still being done. Nothing was written; ask again when it has ended. */
export class IdempotencyKeyInUseError extends ComponentError {
  readonly code = 'IdempotencyKeyInUseError';
  constructor() {
    super('A request with this Idempotency-Key is still being done: ask again when it has ended', {});
  }
}

/** The session is full: see `LIMITS`. Nothing was written. */
export class SessionLimitError extends ComponentError {
  readonly code = 'SessionLimitError';
  constructor(limit: string, allowed: number) {
    super(`The session is full: it holds at most ${allowed} ${limit}`, { limit, allowed });
  }
}

/** What stands on the disk for this session is damaged. Nothing is repaired by guessing; `cause` says what. */
export class SessionCorruptedError extends ComponentError {
  readonly code = 'SessionCorruptedError';
  constructor(id: string, finding: string, cause?: unknown) {
    super(`Session ${id} is corrupted`, { session_id: id }, new Error(finding, { cause }));
  }
}

/**
 * Whether the change that failed is in the log: `not_applied` is safe to repeat, `unknown` is not known even to
 * the store (a sync failed), and repeating it is safe only for what commutes.
 */
export type Outcome = 'not_applied' | 'unknown';

/** The store cannot do it now: a full or failing disk, a queue that is too long, a store that is closed. */
export class StoreUnavailableError extends ComponentError {
  readonly code = 'StoreUnavailableError';
  constructor(
    message: string,
    readonly outcome: Outcome,
    cause?: unknown,
  ) {
    super(message, { outcome }, cause);
  }
}

export type StoreOpenFault =
  | 'not_readable'
  | 'not_writable'
  | 'held'
  | 'unknown_format'
  | 'network_filesystem'
  | 'not_reachable'
  /** What it acknowledges could be lost. */
  | 'not_durable'
  /** Where sessions are to be copied to, there are some. */
  | 'not_empty'
  /** A copy of another store into this one was begun and not finished. */
  | 'half_copied';

/** The store did not open; the message is one line that says why and what to do. */
export class StoreOpenError extends ComponentError {
  readonly code = 'StoreOpenError';
  constructor(
    readonly fault: StoreOpenFault,
    message: string,
    cause?: unknown,
  ) {
    super(message, { fault }, cause);
  }
}

export type SessionError =
  | SessionNotFoundError
  | InvalidSessionStateError
  | SessionConflictError
  | IdempotencyKeyReusedError
  | IdempotencyKeyInUseError
  | SessionValidationError
  | SessionLimitError
  | SessionCorruptedError
  | StoreUnavailableError
  | StoreOpenError;

export type SessionErrorCode = SessionError['code'];

export function isSessionError(error: unknown): error is SessionError {
  return error instanceof ComponentError;
}

/** A caller's text made safe to repeat in an answer and in a log line: short, well-formed, and without control characters. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out
  return shortened(text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '\ufffd'));
}

function shortened(text: string): string {
  return (text.length > 128 ? `${text.slice(0, 128)}…` : text).toWellFormed();
}
