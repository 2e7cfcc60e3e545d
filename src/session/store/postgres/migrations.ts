/**
 * The tables of the PostgreSQL store, as the steps that lead to them: a step's place in the list is its version, and one
 * that was released is never changed.
 */

import type { ClientBase } from 'pg';
import { StoreOpenError } from '../../domain/errors.js';
import { ADVISORY_LOCKS } from './advisory-locks.js';

/**
 * Events are the truth; `sessions` is what they come to, changed in the same transaction, and can be made from them.
 * Both are partitioned by id, which begins with the month of creation (session-partitions.ts). Ids sort by their bytes.
 * `session_tails` is what recoveries cut off logs while these were files. `copied_since`: a copy into here is not finished.
 * Transactions and removals are for whoever watches (change-feed.ts); removals are kept for a while only.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE session_store (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    store_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    copied_since timestamptz
  );
  INSERT INTO session_store (store_id) VALUES (gen_random_uuid()::text);

  CREATE TABLE session_events (
    session_id text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    line text NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (session_id, seq)
  ) PARTITION BY RANGE (session_id);
  CREATE INDEX session_events_transaction ON session_events (transaction_id);
  CREATE TABLE session_removals (
    id text COLLATE "C" NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now(),
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
  );
  CREATE INDEX session_removals_transaction ON session_removals (transaction_id);
  CREATE INDEX session_removals_time ON session_removals (removed_at);

  CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,
    created_at timestamptz NOT NULL,
    status text NOT NULL,
    user_id text,
    labels text[] NOT NULL,
    timing jsonb NOT NULL,
    words tsvector NOT NULL,
    listed text NOT NULL,
    state text NOT NULL,
    outputs text NOT NULL,
    revision integer NOT NULL,
    log_bytes bigint NOT NULL,
    idempotency_key text
  ) PARTITION BY RANGE (id);
  CREATE INDEX sessions_newest ON sessions (created_at, id);
  CREATE INDEX sessions_status ON sessions (status, created_at, id);
  CREATE INDEX sessions_user ON sessions (user_id, created_at, id);
  CREATE INDEX sessions_user_status ON sessions (user_id, status, created_at, id);
  CREATE INDEX sessions_labels ON sessions USING gin (labels);
  CREATE INDEX sessions_words ON sessions USING gin (words);
  CREATE INDEX sessions_key ON sessions (idempotency_key, created_at) WHERE idempotency_key IS NOT NULL;

  CREATE TABLE session_tails (
    session_id text COLLATE "C" NOT NULL,
    file text NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (session_id, file)
  );

  CREATE TABLE session_events_before PARTITION OF session_events FOR VALUES FROM (MINVALUE) TO ('sess_0');
  CREATE TABLE session_events_after PARTITION OF session_events FOR VALUES FROM ('sess_:') TO (MAXVALUE);
  CREATE TABLE sessions_before PARTITION OF sessions FOR VALUES FROM (MINVALUE) TO ('sess_0');
  CREATE TABLE sessions_after PARTITION OF sessions FOR VALUES FROM ('sess_:') TO (MAXVALUE);
  `,
];

/** The version that this program knows. */
export const VERSION = MIGRATIONS.length;

/**
 * Brings the tables to what this version knows, in a transaction of the caller's; others who start at the same moment wait
 * for it and find nothing to do.
 * @throws StoreOpenError where a newer version has been here
 */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.migrating})`);
  const version = await versionOf(client);
  if (version > VERSION)
    throw new StoreOpenError(
      'unknown_format',
      `The database has tables of version ${version}, and this program knows up to ${VERSION}: take a newer one`,
    );
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await client.query(step);
    await client.query('INSERT INTO session_migrations (version) VALUES ($1)', [index + 1]);
  }
}

/** The version of the tables. Where they are there, who may not make any can go on. */
async function versionOf(client: ClientBase): Promise<number> {
  const found = await client.query<{ there: boolean }>(
    "SELECT to_regclass('session_migrations') IS NOT NULL AS there",
  );
  if (!found.rows[0]?.there) {
    await client.query(
      'CREATE TABLE session_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    return 0;
  }
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM session_migrations',
  );
  return rows[0]?.version ?? 0;
}
