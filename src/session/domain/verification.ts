/**
 * Verifying a trail: everything that is wrong with a session's log, its view, and what they say of each other, by
 * docs/STORAGE.md, section 7. Pure: whoever has the bytes can ask.
 */

import { createHash } from 'node:crypto';
import { faultsOf, type LineFaultKind, type LogReading, readLog } from './event-log.js';
import { isJsonObject, type JsonObject, type JsonValue, jsonEquals, parseJson } from './json.js';
import { EventError, fold } from './session.js';
import { toDocument } from './session-document.js';
import type { SessionEvent } from './session-event.js';

/** What can be wrong with a trail. Names may be added; one that is there keeps its meaning. */
export type ProblemKind =
  | LineFaultKind
  /** Bytes behind the last whole command that a stopped write left; the session's next change keeps and cuts them off. */
  | 'torn_tail'
  /** The view, or the running store, knows of more events than the log has: acknowledged events were taken away. */
  | 'events_missing'
  /** The log has events that the running store did not write. */
  | 'events_added'
  /** Every line verifies, and the events make no session. */
  | 'state_impossible'
  | 'log_missing'
  /** The view does not show the state after the events that it counts; the session's next reading makes it anew. */
  | 'view_altered'
  | 'view_missing'
  /** A recovery kept the bytes that it cut off, and they are not there as they were. */
  | 'torn_copy_altered'
  /** A file that cannot be read, or is not what it should be. */
  | 'file_unreadable'
  /** A folder to which its id does not lead: it lies under another day, or another folder of that id comes first. */
  | 'folder_misplaced';

export interface Problem {
  /** Position of the event that it concerns; `null` where it is none in particular. */
  readonly seq: number | null;
  readonly kind: ProblemKind;
  /** In words for a person; no path, no content of the session. */
  readonly message: string;
}

export interface Verification {
  /** Whether there is no problem. */
  readonly valid: boolean;
  /** Number of events from the first on that verify, in whole commands. */
  readonly events: number;
  /** Hash of the last of them; `null` where there is none. Noted elsewhere, it proves later what was there today. */
  readonly head: string | null;
  /** At most 100; where there are more, the message of the last one says so. */
  readonly problems: readonly Problem[];
}

/** What is there of a session, and what is known about it. */
export interface Trail {
  readonly storeId: string;
  readonly sid: string;
  readonly log: Uint8Array;
  /** Absent where it is missing. A store that keeps none gives `null`. */
  readonly view: Uint8Array | null | undefined;
  /** How many events the store that is asked has acknowledged, where it knows. */
  readonly known?: number;
}

/** What a recovery calls the bytes that it cut off. An event that names another file is not followed there. */
export const TORN_COPY = /^events\.jsonl\.torn-\d{1,6}$/;

const MAX_PROBLEMS = 100;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Checks a trail, and tells the events that verify and the bytes that they take from the log's first on. */
export function verifyTrail(trail: Trail): {
  readonly events: readonly SessionEvent[];
  readonly length: number;
  readonly problems: Problem[];
} {
  const reading = readLog(trail.log, trail.storeId, trail.sid);
  const { events, length } = reading;
  const view = parseView(trail.view);
  const known = Math.max(trail.known ?? 0, view?.revision ?? 0);
  const problems = logProblems(trail, reading, known);
  if (trail.known !== undefined && events.length > trail.known)
    problems.push(added(events.length, trail.known));
  if (trail.view === null) return { events, length, problems };
  return { events, length, problems: [...problems, ...viewProblems(trail.view, view, events)] };
}

/** What is wrong beside a log whose events are what was written: they can be read, and the session goes on with them. */
const BESIDE_THE_LOG: ReadonlySet<ProblemKind> = new Set([
  'torn_tail',
  'view_altered',
  'view_missing',
  'torn_copy_altered',
]);

/** Whether a problem keeps everybody from knowing what the session's events are. */
export function isDamage({ kind }: Problem): boolean {
  return !BESIDE_THE_LOG.has(kind);
}

/** The outcome for a caller. */
export function verdict(events: readonly SessionEvent[], problems: readonly Problem[]): Verification {
  const told = problems.slice(0, MAX_PROBLEMS);
  const last = told.at(-1);
  if (last && problems.length > MAX_PROBLEMS)
    told[MAX_PROBLEMS - 1] = { ...last, message: `${last.message}; and there are more` };
  const head = events.at(-1)?.hash ?? null;
  return { valid: problems.length === 0, events: events.length, head, problems: told };
}

function logProblems(trail: Trail, { events, rest }: LogReading, known: number): Problem[] {
  const missing = (count: number): Problem => ({
    seq: count,
    kind: 'events_missing',
    message: `${known} events are known of and the log has ${count}: acknowledged events were taken away`,
  });
  if (rest?.torn && events.length > 0 && events.length >= known)
    return [torn(events.length, rest.finding), ...stateProblems(events)];
  const problems: Problem[] = rest ? [...faultsOf(trail.log, trail.storeId, trail.sid)] : [];
  const lines = countLines(trail.log, known);
  if (lines < known) problems.push(missing(lines));
  return problems.length === 0 ? stateProblems(events) : problems;
}

/** How many lines there are, as far as it matters. */
function countLines(log: Uint8Array, enough: number): number {
  let count = 0;
  for (let at = log.indexOf(0x0a); at >= 0 && count < enough; at = log.indexOf(0x0a, at + 1)) count++;
  return count;
}

function torn(seq: number, finding: string): Problem {
  return { seq, kind: 'torn_tail', message: `a stopped write left bytes that are no event: ${finding}` };
}

function added(found: number, known: number): Problem {
  const message = `the log has ${found} events and the store wrote ${known}`;
  return { seq: known, kind: 'events_added', message };
}

function stateProblems(events: readonly SessionEvent[]): Problem[] {
  const impossible = (seq: number | null, message: string): Problem => ({
    seq,
    kind: 'state_impossible',
    message,
  });
  try {
    if (fold(undefined, events)) return [];
    return [impossible(0, 'the log does not begin with the event that makes a session')];
  } catch (error) {
    const seq = error instanceof EventError ? error.seq : null;
    return [impossible(seq, (error as Error).message)];
  }
}

/** How many events a view counts; `undefined` for none, a damaged one, and a document of the Python component. */
export function eventsCountedBy(view: Uint8Array | undefined): number | undefined {
  return parseView(view)?.revision;
}

/** A view's content; `revision` where it counts events. */
interface ParsedView {
  readonly document: JsonObject;
  readonly revision: number | undefined;
}

function parseView(view: Uint8Array | null | undefined): ParsedView | undefined {
  try {
    const document = parseJson(utf8.decode(view ?? undefined));
    if (!isJsonObject(document)) return undefined;
    const { revision, head } = document;
    const counts = Number.isSafeInteger(revision) && typeof head === 'string';
    return { document, revision: counts ? (revision as number) : undefined };
  } catch {
    return undefined;
  }
}

/** A view may be late: it has to show what the session was after as many events as it counts. */
function viewProblems(
  bytes: Uint8Array | undefined,
  view: ParsedView | undefined,
  events: readonly SessionEvent[],
): Problem[] {
  const problem = (kind: ProblemKind, message: string): Problem[] => [{ seq: null, kind, message }];
  if (!bytes) return problem('view_missing', 'session_metadata.json is missing');
  if (view?.revision === undefined && isImportedDocument(bytes, events[0])) return [];
  if (!view) return problem('view_altered', 'session_metadata.json is no JSON object');
  const revision = view.revision ?? 0;
  // It was compared with the log already: what it counts beyond the log is missing there.
  if (revision > events.length) return [];
  const shown = documentAt(events.slice(0, revision));
  if (shown !== undefined && jsonEquals(shown, view.document) && isPlainlyWritten(bytes, view.document))
    return [];
  return problem('view_altered', `session_metadata.json does not show the session after ${revision} events`);
}

/** As a view is written, so that a person reads there what a program does: of equal names programs take the last. */
function isPlainlyWritten(bytes: Uint8Array, document: JsonObject): boolean {
  const text = Buffer.from(bytes).toString();
  return text === `${JSON.stringify(document, null, 2)}\n` || text === `${JSON.stringify(document)}\n`;
}

/** Between an adoption and the first view after it, the Python component's document is still in its place. */
function isImportedDocument(bytes: Uint8Array, first: SessionEvent | undefined): boolean {
  const hash = createHash('sha256').update(bytes).digest('hex');
  return first?.type === 'session_imported' && first.data.document_sha256 === hash;
}

/** The document as it reads once it was written: numbers beyond all bounds, for one, are null then. */
function documentAt(events: readonly SessionEvent[]): JsonValue | undefined {
  try {
    const session = fold(undefined, events);
    return session && JSON.parse(JSON.stringify(toDocument(session)));
  } catch {
    return undefined;
  }
}
