/**
 * Which store a database is, and whether it can be written to. It becomes another one when a store is copied into it, and
 * whoever has had it open since before that must not write: the chains of new sessions would begin with an id that is no
 * longer the store's.
 */

import type { ClientBase } from 'pg';
import { StoreOpenError, StoreUnavailableError } from '../../domain/errors.js';

export interface StoreIdentity {
  readonly storeId: string;
  /** Since when another store is being copied into this one; `null` where none is. */
  readonly copiedSince: Date | null;
}

interface Row {
  readonly store_id: string;
  /** In milliseconds since 1970: how times are written is a setting, of which the driver reads one. */
  readonly copied_since: number | null;
}

/** As a column: the store's id, or NULL while a copy into it is not finished. */
export const STORE_ID = '(SELECT store_id FROM session_store WHERE copied_since IS NULL)';

/** @throws StoreOpenError */
export async function readIdentity(client: Pick<ClientBase, 'query'>): Promise<StoreIdentity> {
  const { rows } = await client.query<Row>(
    'SELECT store_id, round(extract(epoch FROM copied_since) * 1000)::float8 AS copied_since FROM session_store',
  );
  const [row] = rows;
  if (!row)
    throw new StoreOpenError(
      'not_readable',
      'The database has lost its row of session_store, which all trails are bound to: restore it from a backup',
    );
  return {
    storeId: row.store_id,
    copiedSince: row.copied_since === null ? null : new Date(row.copied_since),
  };
}

/** Why whoever opened the database as the store `opened` must not write to it, in one line; `undefined` where it may. */
export function whyNotOurs(opened: string, now: string | null | undefined): string | undefined {
  if (now === opened) return undefined;
  return now
    ? 'another store was copied into the database since it was opened: restart this server'
    : 'a copy of another store into the database is not finished: restart this server when it is';
}

/** @throws StoreUnavailableError (`not_applied`) */
export function assertOurs(opened: string, now: string | null | undefined): void {
  const why = whyNotOurs(opened, now);
  if (why) throw new StoreUnavailableError('The store has to be opened again', 'not_applied', new Error(why));
}

export function halfCopied(): StoreOpenError {
  return new StoreOpenError(
    'half_copied',
    'A copy into the database is not finished: run the same impact-session copy again, which goes on with it, or drop the database and create it again',
  );
}

export interface HealthRow {
  readonly standby: boolean;
  readonly read_only: boolean;
  readonly allowed: boolean;
  readonly store_id: string | null;
}

export const HEALTH = `
  SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only, ${STORE_ID} AS store_id,
    has_table_privilege('sessions', 'INSERT') AND has_table_privilege('sessions', 'UPDATE')
      AND has_table_privilege('session_events', 'INSERT') AS allowed`;

/** In one line for an operator; `undefined` where it can be written to. */
export function whyNotWritable(row: HealthRow | undefined): string | undefined {
  if (row?.standby) return 'the database is a standby';
  if (row?.read_only) return 'the database is read-only (default_transaction_read_only)';
  return row?.allowed ? undefined : 'the user of the database has no right to INSERT and UPDATE';
}
