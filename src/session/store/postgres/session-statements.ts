/**
 * The statements that change a session and read its events. A change of a session's row and the lines that it follows from
 * are one statement: there is never one without the other.
 */

import { toColumn } from '../../domain/column-text.js';
import type { Session } from '../../domain/session.js';
import { changedColumns, outputsColumn, STATE_COLUMNS, WHOLE_COLUMNS } from './session-rows.js';
import { STORE_ID } from './store-identity.js';

/** What is to be written of a command. */
export interface Sealed {
  readonly session: Session;
  /** The lines that it adds to the log, without their newlines. */
  readonly lines: readonly string[];
  /** Of all lines together, with their newlines. */
  readonly logBytes: number;
}

const LINES_ADDED = 'unnest($3::text[]) WITH ORDINALITY AS added(line, n)';

/** The columns of a row, in the order of `rowValues`. */
export const COLUMNS =
  'id, outputs, log_bytes, revision, status, user_id, labels, timing, words, listed, state, created_at, idempotency_key';

/** Gives rows where the id was free, and the store is the one that the lines were sealed for. */
export const INSERT = `
  WITH made AS (
    INSERT INTO sessions (${COLUMNS})
    SELECT $1, $4, $5, $6, $7, $8, $9, $10, array_to_tsvector($11::text[]), $12, $13, $14, $15
    WHERE $16 = ${STORE_ID}
    ON CONFLICT (id) DO NOTHING
    RETURNING id
  )
  INSERT INTO session_events (session_id, seq, line)
  SELECT made.id, $2::int + n - 1, line FROM made, ${LINES_ADDED}
  RETURNING seq`;

/** Gives the line that was the last one before. */
export const UPDATE = `
  WITH changed AS (
    UPDATE sessions SET outputs = coalesce($4, outputs), log_bytes = $5, revision = $6, status = $7, user_id = $8,
      labels = $9, timing = $10, words = array_to_tsvector($11::text[]), listed = $12, state = $13
    WHERE id = $1
  ), added AS (
    INSERT INTO session_events (session_id, seq, line)
    SELECT $1, $2::int + n - 1, line FROM ${LINES_ADDED}
  )
  SELECT line FROM session_events WHERE session_id = $1 AND seq = $2::int - 1`;

export function insertValues(sealed: Sealed, storeId: string): unknown[] {
  return [...updateValues(sealed), ...onceColumns(sealed.session), storeId];
}

/** The columns that stay as they are. */
function onceColumns({ createdAt, idempotency }: Session): unknown[] {
  return [createdAt, idempotency?.key_sha256];
}

/** As `COLUMNS`. */
export function rowValues(sealed: Sealed): unknown[] {
  const [id, , , ...changed] = updateValues(sealed);
  return [id, ...changed, ...onceColumns(sealed.session)];
}

export function updateValues({ session, lines, logBytes }: Sealed, before?: Session): unknown[] {
  const { id, revision } = session;
  const first = revision - lines.length;
  return [
    toColumn(id),
    first,
    lines,
    outputsColumn(session, before),
    logBytes,
    revision,
    ...changedColumns(session),
  ];
}

export const LOCK = `SELECT ${STATE_COLUMNS}, ${STORE_ID} AS store_id FROM sessions WHERE id = $1 FOR UPDATE`;
export const READ = `SELECT ${STATE_COLUMNS} FROM sessions WHERE id = $1`;
export const WHOLE = `SELECT ${WHOLE_COLUMNS} FROM sessions WHERE id = $1`;
export const MADE_WITH = `
  SELECT ${STATE_COLUMNS} FROM sessions WHERE idempotency_key = $1 AND created_at >= $2
  ORDER BY created_at DESC LIMIT 1`;

/**
 * Lines of a session from one on, and the revision at which it was read; without events there is a row all the same. Events
 * are looked for by the parameter and not by the row's id, which no partition could be left out by before the row is there.
 */
export const EVENTS = `
  SELECT revision, line FROM sessions
  LEFT JOIN LATERAL (
    SELECT seq, line FROM session_events WHERE session_id = $1 AND seq >= $2::bigint ORDER BY seq LIMIT $3
  ) page ON true
  WHERE id = $1 ORDER BY seq`;

export const LINES = 'SELECT line FROM session_events WHERE session_id = $1 ORDER BY seq';

/** For those who watch, of whom none is an hour behind. */
export const REMEMBER_REMOVAL = `
  WITH forgotten AS (DELETE FROM session_removals WHERE removed_at < now() - interval '1 hour')
  INSERT INTO session_removals (id) VALUES ($1)`;
