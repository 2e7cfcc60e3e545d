/**
 * A session as a row of `sessions`: what its events come to, and what is looked for. Imports the domain.
 */

import { createHash } from 'node:crypto';
import { toColumn } from '../../domain/column-text.js';
import { SessionCorruptedError } from '../../domain/errors.js';
import { deepFreeze, type JsonValue, jsonEquals } from '../../domain/json.js';
import { wordsOf } from '../../domain/search-words.js';
import { fold, type Session } from '../../domain/session.js';
import { listedSession, searchText } from '../../domain/session-document.js';
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
  try {
    return deepFreeze({ ...JSON.parse(state), ...JSON.parse(outputs) });
  } catch (cause) {
    throw new SessionCorruptedError(id, 'its row holds no JSON', cause);
  }
}

/** What is wrong with a row beside events that verify: it has to be what they come to. */
export function rowProblems(row: StateRow, events: readonly SessionEvent[]): Problem[] {
  const plain = (session: Session | undefined): JsonValue => JSON.parse(JSON.stringify(session ?? null));
  try {
    if (jsonEquals(plain(sessionOf(row)), plain(fold(undefined, events)))) return [];
  } catch {
    // A row that cannot be read shows nothing.
  }
  const message = `its row does not show the session after ${events.length} events`;
  return [{ seq: null, kind: 'view_altered', message }];
}
