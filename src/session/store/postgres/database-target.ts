/**
 * A PostgreSQL database that another store is copied into. Each batch is a transaction. Until the copy is finished the
 * database says so of itself: no server opens it, and one that has it open writes nothing.
 */

import { setTimeout as pause } from 'node:timers/promises';
import pg, { type ClientBase } from 'pg';
import { printable, StoreOpenError, StoreUnavailableError } from '../../domain/errors.js';
import {
  type Begun,
  type Copy,
  type CopyTarget,
  isTooMuch,
  NotCopyableError,
  type WholeSession,
} from '../session-copy.js';
import { ADVISORY_LOCKS, ofThisStore } from './advisory-locks.js';
import { putCopies, readCopies } from './copied-rows.js';
import { type Database, unref } from './database.js';
import { openAsTarget } from './open-database.js';
import { hasPlace, SessionPartitions } from './session-partitions.js';
import { readIdentity } from './store-identity.js';

/** As many as batches that are under way at once, and one for what is asked beside them. */
const CONNECTIONS = 5;
/** Nothing is said on that connection: so often the network is asked to keep it, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;
const IDS = 1_000;
/** How long to wait for that connection, for what is asked on it, and for the end of all, in milliseconds. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 5_000;
const FAREWELL_MS = 2_000;

/** A database may end connections on which nothing is said, since PostgreSQL 14. */
const MAY_BE_IDLE =
  "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

const HOLDS_SESSIONS = 'SELECT EXISTS (SELECT FROM sessions) OR EXISTS (SELECT FROM session_events) AS some';

export class DatabaseTarget implements CopyTarget {
  readonly #partitions: SessionPartitions;
  #storeId = '';
  /** Why nothing is put any more: the connection with the lock was lost. */
  #lost: Error | undefined;

  private constructor(
    private readonly database: Database,
    private readonly holding: pg.Client,
  ) {
    this.#partitions = new SessionPartitions(database);
    holding.on('error', (error) => {
      this.#lost ??= error;
    });
  }

  /** Makes its tables where they are missing, and sees to it that nobody else copies into it. @throws StoreOpenError */
  static async open(url: string): Promise<DatabaseTarget> {
    const database = await openAsTarget({ url, poolSize: CONNECTIONS, warn: () => undefined });
    const holding = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      application_name: 'impact-session',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    try {
      const target = new DatabaseTarget(database, holding);
      await target.#hold();
      return target;
    } catch (error) {
      await endBoth(database, holding);
      if (error instanceof StoreOpenError) throw error;
      throw new StoreOpenError(
        'not_reachable',
        `The database cannot be used: ${(error as Error).message}`,
        error,
      );
    }
  }

  async begin(storeId: string): Promise<Begun> {
    const begun = await this.#change(async (client) => {
      // Who makes a session just now is waited for; who comes later finds the mark.
      await client.query('LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE');
      const found = await readIdentity(client);
      if (found.copiedSince) {
        if (found.storeId !== storeId) throw ofAnother(found.storeId);
        return { since: found.copiedSince, goesOn: true };
      }
      const { rows } = await client.query<{ some: boolean }>(HOLDS_SESSIONS);
      if (rows[0]?.some) throw notEmpty(found.storeId === storeId);
      const since = new Date();
      await client.query('UPDATE session_store SET store_id = $1, copied_since = $2', [storeId, since]);
      return { since, goesOn: false };
    });
    this.#storeId = storeId;
    return begun;
  }

  async count(): Promise<number> {
    const [row] = await this.database.query<{ n: string }>('SELECT count(*) AS n FROM sessions');
    return Number(row?.n);
  }

  async *ids(): AsyncIterable<readonly string[]> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: readonly { id: string }[] = await this.database.query(
        'SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT $2',
        [after, IDS],
      );
      const ids = page.map(({ id }) => id);
      yield ids;
      after = ids.length < IDS ? undefined : ids.at(-1);
    }
  }

  async missing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const there = await this.database.query<{ id: string }>('SELECT id FROM sessions WHERE id = ANY($1)', [
      ids,
    ]);
    const found = new Set(there.map(({ id }) => id));
    return new Set(ids.filter((id) => !found.has(id)));
  }

  async put(sessions: readonly WholeSession[]): Promise<void> {
    const ids = sessions.map(({ session }) => session.id);
    const misfit = ids.find((id) => !hasPlace(id));
    if (misfit !== undefined) throw new NotCopyableError('no partition has room for an id like this');
    const copies = (client: ClientBase) => this.#assertBegun(client).then(() => putCopies(client, sessions));
    try {
      await this.#partitions.with(ids, () => this.#change(copies));
    } catch (error) {
      throw isOfData(error) ? new NotCopyableError(error.message, { cause: error }) : error;
    }
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, Copy>> {
    const copies = await this.database.atOneMoment((client) => readCopies(client, ids));
    // A row that counts other events than there are lines is no copy.
    const whole = copies.filter(({ revision, events }) => revision === events);
    return new Map(whole.map((copy) => [copy.id, copy]));
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#change(async (client) => {
      await this.#assertBegun(client);
      await client.query('DELETE FROM sessions WHERE id = ANY($1)', [ids]);
      await client.query('DELETE FROM session_events WHERE session_id = ANY($1)', [ids]);
      await client.query('DELETE FROM session_tails WHERE session_id = ANY($1)', [ids]);
    });
  }

  async finish(): Promise<void> {
    await this.#change(async (client) => {
      await this.#assertBegun(client);
      await client.query('UPDATE session_store SET copied_since = NULL');
    });
  }

  close(): Promise<void> {
    return endBoth(this.database, this.holding);
  }

  async #hold(): Promise<void> {
    await this.holding.connect();
    await this.holding.query(MAY_BE_IDLE);
    const { rows } = await this.holding.query<{ free: boolean }>(
      `SELECT pg_try_advisory_lock(${ofThisStore(ADVISORY_LOCKS.copying)}) AS free`,
    );
    if (!rows[0]?.free)
      throw new StoreOpenError(
        'held',
        'Another copy into this database is under way: wait for it, or stop it',
      );
  }

  /** As long as nobody else can copy into it. */
  #change<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    if (this.#lost)
      throw new StoreUnavailableError('The database cannot do it now', 'not_applied', this.#lost);
    return this.database.transaction(work);
  }

  /** Nobody has finished the copy, or begun another one. */
  async #assertBegun(client: ClientBase): Promise<void> {
    const { storeId, copiedSince } = await readIdentity(client);
    if (copiedSince && storeId === this.#storeId) return;
    throw new StoreOpenError('half_copied', 'The copy into this database was ended by somebody else');
  }
}

/** A server that says nothing takes no farewell: then its connections are left alone, and the process may end before they do. */
async function endBoth(database: Database, holding: pg.Client): Promise<void> {
  const ended = new AbortController();
  const closed = Promise.allSettled([holding.end(), database.close()]).then(() => ended.abort());
  const isOver = pause(FAREWELL_MS, undefined, ended).catch(() => undefined);
  await Promise.race([closed, isOver]);
  if (ended.signal.aborted) return;
  database.cut();
  unref(holding);
}

/**
 * What a server says of the values that it was given (PostgreSQL, appendix A): not supported, no such value, a constraint, more
 * than a limit.
 */
const OF_VALUES = /^(0A|22|23|54)/;

function isOfData(error: unknown): error is Error {
  return isTooMuch(error) || (error instanceof pg.DatabaseError && OF_VALUES.test(error.code ?? ''));
}

function notEmpty(isSame: boolean): StoreOpenError {
  const what = isSame
    ? 'sessions of this very store: the copy into it is finished and need not be made again, or it is the source'
    : 'sessions';
  return new StoreOpenError(
    'not_empty',
    `The database holds ${what}; a store is copied into an empty database`,
  );
}

function ofAnother(storeId: string): StoreOpenError {
  return new StoreOpenError(
    'half_copied',
    `A copy of another store (${printable(storeId)}) into the database is not finished: go on with that one, or drop the database and create it again`,
  );
}
