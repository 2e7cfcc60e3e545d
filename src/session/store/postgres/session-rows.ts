/**
 * A session as a row of `sessions`: what its events come to, and what is looked for. Imports the domain.
 */

import { createHash } from 'node:crypto';
import { toColumn } from '../../domain/column-text.js';
import { SessionCorruptedError } from '../../domain/errors.js';
import { deepFreeze, type JsonValue, jsonEquals } from '../../domain/json.js';
import { wordsOf } from '../../domain/search-words.js';
import { fold, type Session } from '../../domain/session.js';
import {
  corruptedSession,
  type ListedSession,
  listedSession,
  searchText,
} from '../../domain/session-document.js';
import type { SessionEvent } from '../../domain/session-event.js';
import type { Problem } from '../../domain/verification.js';

/** What of a row makes a session. */
export interface StateRow {
  readonly id: string;
  /** JSON of all but the outputs and what was imported. */
  readonly state: string;
  /** JSON of those: they may be large, most commands leave them as they are, and an unchanged column is not written again. */
  readonly outputs: string;
  /** Of all lines together, as the driver gives a number that may be large. */
  readonly log_bytes: string;
}

export const STATE_COLUMNS = 'id, state, outputs, log_bytes';

/** The columns that change with what happens: status, user_id, labels, timing, words, listed, state. */
export function changedColumns(session: Session): unknown[] {
  const { outputs: _outputs, imported: _imported, ...state } = session;
  return [
    toColumn(session.status),
    session.userId && toColumn(session.userId),
    Object.entries(session.labels).map(([key, value]) => labelText(key, value)),
    JSON.stringify(
      Object.fromEntries(Object.entries(session.timing).map(([name, ms]) => [toColumn(name), ms])),
    ),
    wordsOf(searchText(session)),
    JSON.stringify(listedSession(session)),
    JSON.stringify(state),
  ];
}

/** The column of what may be large; `undefined` where it is as it was. */
export function outputsColumn(session: Session, before?: Session): string | undefined {
  if (before && before.outputs === session.outputs && before.imported === session.imported) return undefined;
  return JSON.stringify({ outputs: session.outputs, imported: session.imported });
}

/** An entry of the index of labels may have some 2,700 bytes, by what they are when they were compressed. */
const LABEL_BYTES = 1_000;

/** A label as an element of an array, of which no two are alike that differ; a long one by its hash. */
export function labelText(key: string, value: string): string {
  const text = JSON.stringify([key, value]);
  if (Buffer.byteLength(text) <= LABEL_BYTES) return text;
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** @throws SessionCorruptedError */
export function sessionOf({ id, state, outputs }: StateRow): Session {
  let session: Session;
  try {
    session = { ...JSON.parse(state), ...JSON.parse(outputs) };
  } catch (cause) {
    throw new SessionCorruptedError(id, 'its row holds no JSON', cause);
  }
  // JSON that somebody else has put there may be of anything.
  if (session.id !== id || !Number.isInteger(session.revision) || typeof session.head !== 'string')
    throw new SessionCorruptedError(id, 'its row holds no state of it');
  return deepFreeze(session);
}

/** A row of a page. */
export interface ListedRow {
  readonly id: string;
  readonly listed: string;
}

/** What a list shows of a row: of one that cannot be read, that it is there. */
export function listedFrom({ id, listed }: ListedRow): ListedSession {
  try {
    const found: ListedSession = JSON.parse(listed);
    if (found.id === id && found.summary && !Number.isNaN(Date.parse(found.createdAt ?? ''))) return found;
  } catch {
    // As what is JSON of something else.
  }
  return corruptedSession(id);
}

/** All that a row says of its session, in plain values. */
export interface WholeRow extends StateRow {
  readonly revision: number;
  readonly created_ms: number;
  readonly status: string;
  readonly user_id: string | null;
  readonly labels: readonly string[];
  readonly timing: JsonValue;
  readonly words: readonly string[];
  readonly listed: string;
  readonly idempotency_key: string | null;
}

export const WHOLE_COLUMNS = `${STATE_COLUMNS}, revision, status, user_id, labels, timing, listed, idempotency_key,
  tsvector_to_array(words) AS words, round(extract(epoch FROM created_at) * 1000)::float8 AS created_ms`;

/** What is wrong with a row beside events that verify: all of its columns have to be what they come to. */
export function rowProblems(row: WholeRow, events: readonly SessionEvent[], logBytes: number): Problem[] {
  const wrong = wrongColumns(row, fold(undefined, events) as Session, logBytes);
  if (wrong.length === 0) return [];
  const message = `its row does not show the session after ${events.length} events: ${wrong.join(', ')}`;
  return [{ seq: null, kind: 'view_altered', message }];
}

function wrongColumns(row: WholeRow, session: Session, logBytes: number): string[] {
  const [status, userId, labels, timing, words, listed, state] = changedColumns(session) as [
    string,
    string | null,
    string[],
    string,
    string[],
    string,
    string,
  ];
  const are: Record<string, boolean> = {
    log_bytes: Number(row.log_bytes) === logBytes,
    created_at: row.created_ms === Date.parse(session.createdAt),
    idempotency_key: row.idempotency_key === (session.idempotency?.key_sha256 ?? null),
    status: row.status === status,
    user_id: row.user_id === userId,
    labels: isSameSet(row.labels, labels),
    timing: jsonEquals(row.timing, JSON.parse(timing)),
    words: isSameSet(row.words, words),
    listed: isSameJson(row.listed, listed),
    state: isSameJson(row.state, state),
    outputs: isSameJson(row.outputs, outputsColumn(session) as string),
  };
  return Object.keys(are).filter((column) => !are[column]);
}

function isSameJson(text: string, expected: string): boolean {
  try {
    return jsonEquals(JSON.parse(text), JSON.parse(expected));
  } catch {
    return false;
  }
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  const [one, other] = [new Set(some), new Set(others)];
  return one.size === other.size && [...one].every((text) => other.has(text));
}
