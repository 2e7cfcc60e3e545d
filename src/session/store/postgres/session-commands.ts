/**
 * What a command does within its transaction: locks the row of its session, decides, and adds lines and what they come to.
 */

import type { ClientBase } from 'pg';
import { toColumn } from '../../domain/column-text.js';
import { SessionCorruptedError, SessionLimitError } from '../../domain/errors.js';
import { type Decision, logPosition, readPiece, sealEvents } from '../../domain/event-log.js';
import { fold, type Session } from '../../domain/session.js';
import { LIMITS } from '../../domain/session-rules.js';
import { Refusal } from './database.js';
import { type StateRow, sessionOf } from './session-rows.js';
import { LOCK, REMEMBER_REMOVAL, type Sealed, UPDATE, updateValues } from './session-statements.js';

/** PostgreSQL, appendix A. */
export const UNIQUE_VIOLATION = '23505';

/** A session as it is in the database. */
interface Loaded {
  readonly session: Session;
  readonly logBytes: number;
  /** Which store it is in; `null` while a copy into that is not finished. */
  readonly storeId: string | null;
}

/** The session for a command: nobody else changes it until the transaction ends. */
export async function lockSession(client: ClientBase, id: string): Promise<Loaded | undefined> {
  const { rows } = await client.query<StateRow & { store_id: string | null }>(LOCK, [toColumn(id)]);
  const [row] = rows;
  return row && { session: sessionOf(row), logBytes: Number(row.log_bytes), storeId: row.store_id };
}

/** @throws Refusal of what `decide` throws */
export function decided(decide: (current: Session) => Decision, current: Session): Decision {
  try {
    return decide(current);
  } catch (error) {
    throw new Refusal(error);
  }
}

/** The lines of a decision, and what the session comes to by them. @throws SessionLimitError */
export function seal(storeId: string, id: string, before: Loaded | undefined, decision: Decision): Sealed {
  const { lines, events } = sealEvents(logPosition(storeId, id, before?.session), decision);
  const logBytes = (before?.logBytes ?? 0) + lines.length;
  if (logBytes > LIMITS.logBytes) throw new SessionLimitError('bytes of events', LIMITS.logBytes);
  const session = fold(before?.session, events) as Session;
  return { session, lines: lines.toString().trimEnd().split('\n'), logBytes };
}

/**
 * Adds lines behind the one that the state knows as the last: what was altered is not built upon.
 * @throws SessionCorruptedError
 */
export async function addLines(
  client: ClientBase,
  storeId: string,
  sealed: Sealed,
  before: Session,
): Promise<void> {
  const { id, revision, head } = before;
  const { rows } = await client
    .query<{ line: string }>(UPDATE, updateValues(sealed, before))
    .catch((error) => {
      if (error.code !== UNIQUE_VIOLATION) throw error;
      throw new SessionCorruptedError(id, 'its log has events that its row does not count', error);
    });
  const [last] = readPiece(logOf(rows), storeId, id, revision - 1).events;
  if (last?.hash !== head)
    throw new SessionCorruptedError(id, `event ${revision - 1} is not the last one that its row knows`);
}

/** Whether there was one. */
export async function removeSession(client: ClientBase, id: string): Promise<boolean> {
  const { rowCount } = await client.query('DELETE FROM sessions WHERE id = $1', [id]);
  // Lines that are there now would be those of a session that was made since.
  if (rowCount === 0) return false;
  await client.query('DELETE FROM session_events WHERE session_id = $1', [id]);
  await client.query('DELETE FROM session_tails WHERE session_id = $1', [id]);
  await client.query(REMEMBER_REMOVAL, [id]);
  return true;
}

/** Lines as a log in a file has them. */
export function logOf(rows: readonly { readonly line: string | null }[]): Buffer {
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}
