/**
 * What the index of a data folder holds: its tables, and the row of a session. The index is a view of the folders: it can
 * be deleted at any time and is made again. Imports the domain.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fromColumn, toColumn } from '../../../domain/column-text.js';
import { wordsOf } from '../../../domain/search-words.js';
import {
  corruptedSession,
  type ListedSession,
  listedSession,
  searchText,
} from '../../../domain/session-document.js';
import { type KeptState, keepState } from '../kept-state.js';
import type { LoadedSession } from '../loaded-session.js';
import { STORE_FOLDER } from '../store-format.js';

/** Where the index of a data folder is. */
export function indexPath(root: string): string {
  return join(root, STORE_FOLDER, 'index.db');
}

/** Of another format, an index is made anew: count on with every change of what it holds, and of what a `Session` is. */
export const INDEX_FORMAT = 3;

/**
 * `n` is a session's place: by time of creation, see `placeOf`. All tables have it as their last key, so that whatever
 * narrows a listing down gives sessions in their order, and a page costs as much as it shows.
 */
export const SCHEMA = `
CREATE TABLE about (format INTEGER NOT NULL, store_id TEXT NOT NULL, complete INTEGER NOT NULL, settled INTEGER NOT NULL, scan INTEGER NOT NULL);
CREATE TABLE under_way (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE day (name TEXT PRIMARY KEY, changed REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  day TEXT NOT NULL,
  status TEXT NOT NULL,
  user_id TEXT,
  labels TEXT NOT NULL,
  timing TEXT NOT NULL,
  listed TEXT NOT NULL,
  idempotency_key TEXT,
  words_hash TEXT NOT NULL,
  scan INTEGER NOT NULL
);
CREATE INDEX by_status ON session (status);
CREATE INDEX by_user ON session (user_id);
CREATE INDEX by_user_and_status ON session (user_id, status);
CREATE INDEX by_day ON session (day);
CREATE INDEX by_key ON session (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE state (n INTEGER PRIMARY KEY, length INTEGER NOT NULL, log TEXT NOT NULL, view TEXT NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE label (key TEXT, value TEXT, n INTEGER, PRIMARY KEY (key, value, n)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, detail=none, prefix='1 2 3 4', tokenize='ascii');
`;

/** What the index knows of a session. */
export interface IndexRow {
  readonly id: string;
  /** Name of the day folder that it lies in. */
  readonly day: string;
  readonly place: bigint;
  /** As a column holds it; so the user. */
  readonly status: string;
  readonly userId: string | null;
  /** JSON of the labels. */
  readonly labels: string;
  /** JSON of the timings, in milliseconds. */
  readonly timing: string;
  /** JSON of what else a list shows. */
  readonly listed: string;
  /** SHA-256 of the `Idempotency-Key` of the request that made it. */
  readonly idempotencyKey: string | null;
  /** The words that a search looks through, separated by spaces. */
  readonly words: string;
  /** Beside the row, in a table of its own: lists do not read it. */
  readonly state: KeptState | undefined;
}

/** The row of a session. */
export function rowOf(loaded: LoadedSession): IndexRow {
  const { session, day } = loaded;
  const { timing, idempotency } = session;
  return {
    ...rowFrom(listedSession(session), day),
    state: keepState(loaded),
    timing: JSON.stringify(timing),
    idempotencyKey: idempotency?.key_sha256 ?? null,
    words: wordsOf(searchText(session)).join(' '),
  };
}

/** The row of a session that is there and cannot be read. */
export function corruptedRow(id: string, day: string): IndexRow {
  return rowFrom(corruptedSession(id), day);
}

function rowFrom({ id, status, userId, labels, ...rest }: ListedSession, day: string): IndexRow {
  const place = placeOf(id, rest.createdAt ?? `${day.slice(0, 10)}T00:00:00.000Z`);
  const [labelText, listed] = [JSON.stringify(labels), JSON.stringify(rest)];
  return {
    id,
    day,
    place,
    status: toColumn(status),
    userId: userId && toColumn(userId),
    labels: labelText,
    timing: '{}',
    listed,
    idempotencyKey: null,
    words: '',
    state: undefined,
  };
}

/** What a list shows, from the columns of a row. */
export function listedOf(
  id: string,
  status: string,
  userId: string | null,
  labels: string,
  listed: string,
): ListedSession {
  const { createdAt, updatedAt, stepsCompleted, revision, summary } = parseColumn(listed);
  return {
    id,
    createdAt,
    updatedAt,
    status: textOf(status),
    userId: userId && textOf(userId),
    stepsCompleted,
    labels: parseColumn(labels),
    revision,
    summary,
  };
}

/** Places count milliseconds from this time on, 17 years to either side, and have room for 2^24 sessions of each. */
const EPOCH = Date.UTC(2032);
const ROOM_BITS = 24n;
const MAX_MILLISECONDS = 2 ** 39 - 1;

/**
 * Where a session stands among all: by its time of creation in milliseconds; of one millisecond, by the random suffix of
 * its id, or for other ids by a hash. Two of those may come to the same place; then the later one in takes the next.
 */
export function placeOf(id: string, createdAt: string): bigint {
  const suffix = /^sess_\d{8}_\d{6}_([0-9a-f]{6})$/.exec(id)?.[1];
  const digits = suffix ?? createHash('sha256').update(id).digest('hex').slice(0, 6);
  return firstPlaceAt(createdAt) + BigInt(`0x${digits}`);
}

/** The place before which all lie that were created before this time: RFC 3339. Times out of bounds count as the nearest, and what is no time as the first. */
export function firstPlaceAt(time: string): bigint {
  const since = Date.parse(time) - EPOCH;
  const milliseconds = Number.isNaN(since) ? -MAX_MILLISECONDS : clamp(since);
  return BigInt(milliseconds) << ROOM_BITS;
}

function clamp(milliseconds: number): number {
  return Math.min(Math.max(milliseconds, -MAX_MILLISECONDS), MAX_MILLISECONDS);
}

/** Whether two places are of the same millisecond. */
export function areOfOneTime(left: bigint, right: bigint): boolean {
  return left >> ROOM_BITS === right >> ROOM_BITS;
}

/** The day of a place, as SQL: days since 1970. */
export const DAY_OF_PLACE = `((s.n >> ${ROOM_BITS}) + ${EPOCH}) / 86400000`;

/** The place before which there is none. */
export const FIRST_PLACE = -(2n ** 63n);

/** The text that a column holds. @throws an error with the code of a damaged index */
export function textOf(column: string): string {
  return undamaged(() => fromColumn(column));
}

/** JSON of a column. What is none was damaged: SQLite does not check what it gives. */
export function parseColumn(text: string) {
  return undamaged(() => JSON.parse(text));
}

function undamaged<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw Object.assign(new Error('a column of the index is no JSON', { cause }), { code: 'SQLITE_CORRUPT' });
  }
}
