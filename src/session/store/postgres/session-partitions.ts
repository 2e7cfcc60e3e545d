/**
 * The partitions of the PostgreSQL store: one for each month of creation, which is in the id. Whoever keeps sessions for so
 * many months drops a partition instead of deleting rows.
 */

import type { ClientBase } from 'pg';
import { parseSessionId } from '../../domain/session-id.js';
import type { Database } from './database.js';

const TABLES = ['session_events', 'sessions'] as const;

/** Whoever makes a partition has this lock. */
const LOCK = '7310891206445712418';

/** Not `to_regclass`, which in a transaction may go on not seeing what others have made meanwhile. */
const THERE = `
  SELECT count(*) > 0 AS there FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = $1::regclass AND relname = $2`;

export class SessionPartitions {
  readonly #made = new Map<string, Promise<void>>();

  constructor(private readonly database: Database) {}

  /** Sees to it that there is a partition for a session of this id. Ids of other schemes share one that is always there. */
  async makeFor(id: string): Promise<void> {
    if (!parseSessionId(id)) return;
    const month = id.slice('sess_'.length, 'sess_202401'.length);
    const known = this.#made.get(month);
    if (known) return known;
    const made = this.#make(month);
    this.#made.set(month, made);
    try {
      await made;
    } catch (error) {
      this.#made.delete(month);
      throw error;
    }
  }

  async #make(month: string): Promise<void> {
    for (const table of TABLES) {
      const name = `${table}_${month}`;
      const [row] = await this.database.query<{ there: boolean }>(THERE, [table, name]);
      // Each in a transaction of its own: one that held locks on both tables could wait for who waits for it.
      if (!row?.there) await this.database.transaction((client) => attach(client, table, name, month));
    }
  }
}

/** Attached, and not made in its place: that would keep everybody from the whole table meanwhile. */
async function attach(client: ClientBase, table: string, name: string, month: string): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  const { rows } = await client.query<{ there: boolean }>(THERE, [table, name]);
  if (rows[0]?.there) return;
  await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
  const range = `FROM ('sess_${month}') TO ('sess_${next(month)}')`;
  await client.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES ${range}`);
}

/** The month after one like `202412`. */
function next(month: string): string {
  const [year, number] = [Number(month.slice(0, 4)), Number(month.slice(4))];
  const digits = number === 12 ? (year + 1) * 100 + 1 : year * 100 + number + 1;
  return String(digits).padStart(6, '0');
}
