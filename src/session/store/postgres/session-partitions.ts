/**
 * The partitions of the PostgreSQL store: one for each month of creation, which is in the id. Whoever keeps sessions for so
 * many months drops a partition instead of deleting rows.
 */

import type { ClientBase } from 'pg';
import { ADVISORY_LOCKS, ofThisStore } from './advisory-locks.js';
import { type Database, lacksPartition } from './database.js';

const TABLES = ['session_events', 'sessions'] as const;

/** Of the range that begins so: a partition that was detached may still be there under the month's name. */
const THERE = `
  SELECT count(*) > 0 AS there FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = $1::regclass AND pg_get_expr(relpartbound, inhrelid) LIKE 'FOR VALUES FROM (''' || $2 || ''')%'`;

/** PostgreSQL, appendix A: among others, that a partition's range overlaps another's. */
const INVALID_DEFINITION = '42P17';
/** How often something is done anew for want of a partition: as many connections may not have seen yet that it is there. */
const TRIES = 4;

export class SessionPartitions {
  readonly #made = new Map<string, Promise<void>>();

  constructor(private readonly database: Database) {}

  /**
   * Does what needs partitions for these ids; again where one was dropped since it was seen last.
   * @throws StoreUnavailableError where a partition takes nothing, such as one that is being detached (docs/POSTGRESQL.md, "Retention")
   */
  async with<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      for (const id of ids) await this.makeFor(id);
      try {
        return await work();
      } catch (error) {
        if (tries === TRIES || !lacksPartition((error as Error).cause)) throw error;
        for (const id of ids) this.#made.delete(monthOf(id) ?? '');
      }
    }
  }

  /** Sees to it that there is a partition for a session of this id. Ids of other schemes have two that are always there. */
  async makeFor(id: string): Promise<void> {
    const month = monthOf(id);
    if (!month) return;
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
      const [row] = await this.database.query<{ there: boolean }>(THERE, [table, `sess_${month}`]);
      // Each in a transaction of its own: one that held locks on both tables could wait for who waits for it.
      if (!row?.there)
        await this.database.transaction((client) => attach(client, table, month)).catch(doneIfThere);
    }
  }
}

/** One that an operator has made may have a wider range, or another name: whether it takes a session, INSERT tells. */
function doneIfThere(error: { readonly code?: string }): void {
  if (error.code !== INVALID_DEFINITION) throw error;
}

/** Whether there can be one: ids that begin like a month and have none lie between those that are always there. */
export function hasPlace(id: string): boolean {
  return monthOf(id) !== undefined || !/^sess_\d/.test(id);
}

/** As `202401`; `undefined` for an id that does not begin with a month. */
function monthOf(id: string): string | undefined {
  return /^sess_(\d{6})/.exec(id)?.[1];
}

/**
 * Attached, and not made in its place: that would keep everybody from the whole table meanwhile. There is no partition by
 * default, which everybody would be kept from.
 */
async function attach(client: ClientBase, table: string, month: string): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${ofThisStore(ADVISORY_LOCKS.partitions)})`);
  const { rows } = await client.query<{ there: boolean }>(THERE, [table, `sess_${month}`]);
  if (rows[0]?.there) return;
  const name = await freeName(client, `${table}_${month}`);
  await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
  // No id has a tilde, and every character that one can have comes before it.
  const range = `FROM ('sess_${month}') TO ('sess_${month}~')`;
  await client.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES ${range}`);
}

async function freeName(client: ClientBase, wanted: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}_${n}`;
    const { rows } = await client.query<{ free: boolean }>('SELECT to_regclass($1) IS NULL AS free', [name]);
    if (rows[0]?.free) return name;
  }
}
