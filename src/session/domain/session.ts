/**
 * What a session is and how it changes: the state, commands to events (`decidePatch`), events to state (`fold`).
 * Pure: no clock, no I/O, no randomness.
 */

import { InvalidSessionStateError, SessionConflictError, SessionLimitError } from './errors.js';
import { isDataOf } from './event-data.js';
import {
  deepFreeze,
  type JsonInput,
  type JsonObject,
  type JsonValue,
  jsonBytes,
  jsonEquals,
  parseJson,
} from './json.js';
import { allowedFrom, type Lifecycle } from './lifecycle.js';
import type {
  CommandData,
  EventData,
  EventDraft,
  Failure,
  Idempotency,
  KnownEvent,
  SessionEvent,
  SessionSummary,
} from './session-event.js';
import { LIMITS } from './session-rules.js';

/** The state of a session: the fold of its events. */
export interface Session {
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly status: string;
  readonly userId: string | null;
  readonly stepsCompleted: readonly string[];
  /** Whole milliseconds; names end in `_ms`. */
  readonly timing: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, JsonValue>>;
  /** All outputs together, in bytes of JSON. */
  readonly outputBytes: number;
  readonly error: Failure | null;
  /** Number of events; 0 for a folder of the Python component that was not yet changed. */
  readonly revision: number;
  /** Hash of the last event. */
  readonly head: string;
  /** The latest reasons that were given, each once, oldest first; at most as many as `REASONS_KEPT` says. */
  readonly reasons: readonly string[];
  /** The request that made it, where that had an `Idempotency-Key`. */
  readonly idempotency?: Idempotency;
  /** What the Python component left, for a session that it made. */
  readonly imported?: { readonly document: JsonObject; readonly summary: SessionSummary };
}

/** A report of progress: what is to become true of a session. Absent members change nothing. */
export interface SessionPatch {
  readonly status?: string;
  /** Added if absent, in this order. */
  readonly stepsCompleted?: readonly string[];
  readonly timing?: Readonly<Record<string, number>>;
  /** Any JSON values, by name. */
  readonly outputs?: Readonly<Record<string, JsonInput>>;
  /** Merged into the labels; `null` takes one away. */
  readonly labels?: Readonly<Record<string, string | null>>;
  /** Why it failed; only together with the failure status. */
  readonly error?: Failure;
}

/** How many reasons a state holds, and how many characters of them; the trail has them all. */
const REASONS_KEPT = { reasons: 100, characters: 16_384 };

/** The terms under which a patch is decided. */
export interface PatchTerms {
  readonly lifecycle: Lifecycle;
  readonly reason?: string;
  /** The revision the caller decided on, or any one of several; absent when it does not care. */
  readonly expectedRevision?: number | readonly number[];
}

/**
 * The events that make a patch true of a session; none where it is true already, so that retries are safe.
 * @throws SessionConflictError | InvalidSessionStateError | SessionLimitError
 */
export function decidePatch(session: Session, patch: SessionPatch, terms: PatchTerms): EventDraft[] {
  const { lifecycle, reason, expectedRevision } = terms;
  if (expectedRevision !== undefined) assertRevision(session, expectedRevision);
  const drafts: EventDraft[] = [
    ...decideLabels(session, patch.labels ?? {}),
    ...decideOutputs(session, (patch.outputs ?? {}) as Readonly<Record<string, JsonValue>>),
    ...decideTiming(session, patch.timing ?? {}),
    ...decideSteps(session, patch.stepsCompleted ?? []),
    ...decideStatus(session, patch.status, patch.error, lifecycle),
  ];
  if (drafts.length > 0 && session.revision + drafts.length > LIMITS.events)
    throw new SessionLimitError('events', LIMITS.events);
  return reason === undefined ? drafts : drafts.map((draft) => withReason(draft, reason));
}

function withReason(draft: EventDraft, reason: string): EventDraft {
  return { ...draft, data: { ...draft.data, reason } } as EventDraft;
}

function assertRevision(session: Session, expected: number | readonly number[]): void {
  const accepted = typeof expected === 'number' ? [expected] : expected;
  if (!accepted.includes(session.revision)) {
    throw new SessionConflictError(typeof expected === 'number' ? expected : accepted, session.revision);
  }
}

function decideStatus(
  session: Session,
  to: string | undefined,
  error: Failure | undefined,
  lifecycle: Lifecycle,
): EventDraft[] {
  if (to === undefined) return [];
  if (to === session.status) return error === undefined ? [] : decideFailure(session, error);
  const allowed = allowedFrom(lifecycle, session.status);
  if (!allowed.includes(to)) throw new InvalidSessionStateError(session.status, to, allowed);
  const data = { from: session.status, to, ...(error && { error }) };
  return [{ type: 'status_changed', data }];
}

/** A failure beyond the one that the session has. The latest is shown; the trail has them all. */
function decideFailure(session: Session, error: Failure): EventDraft[] {
  const known = session.error !== null && jsonEquals({ ...session.error }, { ...error });
  return known ? [] : [{ type: 'failure_recorded', data: { error } }];
}

function decideSteps(session: Session, steps: readonly string[]): EventDraft[] {
  const completed = new Set(session.stepsCompleted);
  const added = [...new Set(steps)].filter((step) => !completed.has(step));
  if (added.length > 0 && session.stepsCompleted.length + added.length > LIMITS.steps) {
    throw new SessionLimitError('steps', LIMITS.steps);
  }
  return added.map((step) => ({ type: 'step_completed', data: { step } }));
}

function decideTiming(session: Session, timing: Readonly<Record<string, number>>): EventDraft[] {
  const changed = Object.entries(timing).filter(
    ([name, ms]) => !Object.hasOwn(session.timing, name) || session.timing[name] !== ms,
  );
  const added = changed.filter(([name]) => !Object.hasOwn(session.timing, name));
  if (added.length > 0 && Object.keys(session.timing).length + added.length > LIMITS.timings) {
    throw new SessionLimitError('timings', LIMITS.timings);
  }
  return changed.map(([name, ms]) => ({ type: 'timing_recorded', data: { name, ms } }));
}

function decideOutputs(session: Session, outputs: Readonly<Record<string, JsonValue>>): EventDraft[] {
  const changed = Object.entries(outputs).filter(
    ([name, value]) =>
      !Object.hasOwn(session.outputs, name) || !jsonEquals(session.outputs[name] as JsonValue, value),
  );
  const bytes = changed.reduce(
    (sum, [name, value]) => sum + jsonBytes(value) - outputBytesOf(session, name),
    session.outputBytes,
  );
  if (changed.length > 0 && bytes > LIMITS.outputBytes) {
    throw new SessionLimitError('bytes of outputs', LIMITS.outputBytes);
  }
  return changed.map(([name, value]) => ({ type: 'output_recorded', data: { name, value } }));
}

function decideLabels(session: Session, labels: Readonly<Record<string, string | null>>): EventDraft[] {
  const changed = Object.entries(labels).filter(([key, value]) =>
    value === null ? Object.hasOwn(session.labels, key) : session.labels[key] !== value,
  );
  if (changed.length === 0) return [];
  const after = mergeLabels(session.labels, Object.fromEntries(changed));
  if (Object.keys(after).length > LIMITS.labels) throw new SessionLimitError('labels', LIMITS.labels);
  return [{ type: 'labels_changed', data: { labels: Object.fromEntries(changed) } }];
}

function outputBytesOf(session: Pick<Session, 'outputs'>, name: string): number {
  return Object.hasOwn(session.outputs, name) ? jsonBytes(session.outputs[name] as JsonValue) : 0;
}

function mergeLabels(
  labels: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const kept = Object.entries({ ...labels, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as Record<string, string>;
}

/** An event that verifies, and that no session can be made of. */
export class EventError extends Error {
  constructor(
    readonly seq: number,
    why: string,
  ) {
    super(`event ${seq} makes no state: ${why}`);
  }
}

/**
 * The state after more events, frozen; from no state, the first event has to be one that makes a session. Events of
 * types that this version does not know count and change nothing else.
 * @throws EventError for an event that makes no state
 *
 * One copy for all the events and not one for each: a log may hold thousands, and their state thousands of names.
 */
export function fold(before: Session | undefined, events: readonly SessionEvent[]): Session | undefined {
  let state = before && thaw(before);
  for (const event of events as readonly KnownEvent[]) {
    if (!isDataOf(event.type, event.data))
      throw new EventError(event.seq, `its data is not that of ${event.type}`);
    if (state) change(state, event);
    else state = begin(event);
    if (!state) return undefined;
  }
  return state && freeze(state);
}

/** A state that is being folded: nobody else has it yet. */
type Draft = { -readonly [K in keyof Session]: Session[K] } & {
  stepsCompleted: string[];
  timing: Record<string, number>;
  labels: Readonly<Record<string, string>>;
  outputs: Record<string, JsonValue>;
  reasons: readonly string[];
};

function thaw(session: Session): Draft {
  const { stepsCompleted, timing, outputs } = session;
  return { ...session, stepsCompleted: [...stepsCompleted], timing: { ...timing }, outputs: { ...outputs } };
}

/** States are cached and shown to many: nobody may change one. What events carry is frozen already. */
function freeze(state: Draft): Session {
  for (const part of [state.stepsCompleted, state.timing, state.labels, state.outputs, state.reasons])
    Object.freeze(part);
  return Object.freeze(state);
}

function change(state: Draft, event: KnownEvent): void {
  switch (event.type) {
    case 'session_created':
    case 'session_imported':
      throw new EventError(event.seq, 'a session begins once');
    case 'status_changed':
      state.status = event.data.to;
      state.error = event.data.error ?? null;
      break;
    case 'failure_recorded':
      state.error = event.data.error;
      break;
    case 'step_completed':
      state.stepsCompleted.push(event.data.step);
      break;
    case 'timing_recorded':
      put(state.timing, event.data.name, event.data.ms);
      break;
    case 'output_recorded':
      state.outputBytes += jsonBytes(event.data.value) - outputBytesOf(state, event.data.name);
      put(state.outputs, event.data.name, event.data.value);
      break;
    case 'labels_changed':
      state.labels = mergeLabels(state.labels, event.data.labels);
      break;
  }
  state.updatedAt = event.at;
  state.revision = event.seq + 1;
  state.head = event.hash;
  keepReason(state, event.data.reason);
}

/** Every event of a command has its reason, and the same one may be given again. */
function keepReason(state: Draft, reason: unknown): void {
  if (typeof reason !== 'string' || state.reasons.at(-1) === reason) return;
  const reasons = [...state.reasons.filter((known) => known !== reason), reason];
  let characters = reasons.reduce((sum, known) => sum + known.length, 0);
  while (reasons.length > REASONS_KEPT.reasons || characters > REASONS_KEPT.characters)
    characters -= (reasons.shift() as string).length;
  state.reasons = reasons;
}

/** Also under the name `__proto__`, which no rule lets in and an old document may have: plain assignment loses it. */
function put<T>(record: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}

function begin(event: KnownEvent): Draft | undefined {
  const envelope = { id: event.sid, updatedAt: event.at, revision: event.seq + 1, head: event.hash };
  if (event.type === 'session_created') {
    const { status, user_id: userId, labels, idempotency } = event.data;
    const made = { ...BLANK, ...envelope, createdAt: event.at, status, userId, labels };
    return thaw(idempotency ? { ...made, idempotency } : made);
  }
  if (event.type === 'session_imported')
    return thaw({ ...importedSession(event.sid, event.data), ...envelope });
  return undefined;
}

const BLANK = deepFreeze({
  stepsCompleted: [],
  timing: {},
  labels: {},
  outputs: {},
  outputBytes: 0,
  error: null,
  reasons: [],
});

/** The state of a session that the Python component made, at revision 0: before its log begins. */
export function importedSession(id: string, data: EventData['session_imported'] & CommandData): Session {
  return deepFreeze({
    ...BLANK,
    id,
    createdAt: data.created_at,
    updatedAt: data.created_at,
    status: data.status,
    userId: data.user_id,
    stepsCompleted: data.steps_completed,
    timing: data.timing,
    revision: 0,
    head: '',
    imported: { document: parseJson(data.document) as JsonObject, summary: data.summary },
  });
}
