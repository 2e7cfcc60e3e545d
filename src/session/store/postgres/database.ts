/**
 * Connections to PostgreSQL: a bounded pool, transactions, and what the driver's errors mean to a caller of the store. No
 * message has the address that the store was given, which holds a password.
 */

import { setTimeout as pause } from 'node:timers/promises';
import pg, { type ClientBase, type ClientConfig, type QueryResultRow } from 'pg';
import { type Outcome, StoreUnavailableError } from '../../domain/errors.js';

export interface DatabaseOptions {
  /** Like `postgres://user:password@host/database`; what libpq takes behind `?`, too. */
  readonly url: string;
  /** Connections at most. */
  readonly poolSize: number;
  readonly warn: (message: string, cause: unknown) => void;
}

/** How long to wait for a connection, in milliseconds. */
const CONNECT_MS = 5_000;
/** After this time the server gives up a statement, in milliseconds: what nobody waits for any more would go on there. */
const STATEMENT_MS = 60_000;
/** How long to wait for an answer, in milliseconds: a server that is gone without a word would be waited for for hours. */
const ANSWER_MS = STATEMENT_MS + 5_000;
/** How often something is tried again that cannot have changed anything, and how long to wait before, in milliseconds. */
const RETRY_MS = [50, 200, 1_000];
/** After this time nothing is tried again, in milliseconds: somebody waits for an answer. */
const PATIENCE_MS = 3_000;

/** After this time a statement gives up waiting for what another has locked, in milliseconds. */
const LOCK_MS = 10_000;
/** After this time the server ends a transaction whose process says nothing, and with it its locks, in milliseconds. */
const IDLE_MS = 10_000;

/**
 * Of each connection, whatever the database has as its defaults, but for the limit of a statement, which an operator may have set.
 * Decisions are made on what is there by then, times and numbers are told as the driver reads them, and what is acknowledged is on
 * the disk. A commit is no part of a statement that is given up.
 */
const SETTINGS = `
  SET default_transaction_isolation = 'read committed';
  SET datestyle = 'ISO';
  SET extra_float_digits = 1;
  SET lock_timeout = ${LOCK_MS};
  SET idle_in_transaction_session_timeout = ${IDLE_MS};
  SELECT set_config('statement_timeout', '${STATEMENT_MS}', false) WHERE current_setting('statement_timeout') = '0';
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

/** What a server says that was asked to do two things at once that do not go together: it has done neither. */
const TRY_AGAIN = new Set(['40001', '40P01']);

const UNAVAILABLE = 'The database cannot do it now';

export class Database {
  readonly #connection: ClientConfig;
  readonly #Client: typeof pg.Client;
  readonly #pool: pg.Pool;
  /** Those that have not ended, also while they are being made. */
  readonly #all = new Set<pg.Client>();
  #isCut = false;
  #heardAt = 0;

  constructor({ url, poolSize, warn }: DatabaseOptions) {
    this.#connection = {
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      application_name: 'impact-session',
      keepAlive: true,
    };
    const all = this.#all;
    this.#Client = class extends pg.Client {
      constructor(config?: ClientConfig) {
        super(config);
        all.add(this);
        // Whoever waits for an answer on it is told as well, and so is the pool.
        this.on('error', () => undefined);
        this.once('end', () => all.delete(this));
      }
    };
    this.#pool = new pg.Pool({
      ...this.#connection,
      max: poolSize,
      Client: this.#Client,
      onConnect: (client) => client.query(SETTINGS),
    });
    // A connection that nobody uses has ended; without a listener this would end the process.
    this.#pool.on('error', (error) => warn('a connection to the database was lost', error));
  }

  /** Rows of a statement that changes nothing. @throws StoreUnavailableError (`not_applied`) */
  query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.reading(async (client) => (await client.query<Row>(text, values)).rows);
  }

  /** As `query`, for several statements, each of which sees what is there by then. */
  reading<T>(read: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.#repeatedly(async () => {
      const client = await this.#connect();
      return this.#using(client, () => read(client));
    });
  }

  /**
   * Runs one statement that changes something, which is committed when this resolves.
   * @throws StoreUnavailableError (`unknown` when the connection was lost meanwhile)
   */
  change<Row extends QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return this.#repeatedly(async () => {
      const client = await this.#connect();
      return this.#using(client, async (progress) => {
        progress.mayHaveCommitted = true;
        return (await client.query<Row>(text, values)).rows;
      });
    });
  }

  /**
   * Does this in a transaction, which is committed when this resolves. Where the server could not do it at this moment, it
   * is done again; what `work` throws of its own ends it.
   * @throws StoreUnavailableError (`unknown` when the connection was lost while it was committed)
   */
  async transaction<T>(work: (client: ClientBase) => Promise<T>, begin = 'BEGIN'): Promise<T> {
    try {
      return await this.#inTransaction(work, begin);
    } catch (error) {
      throw error instanceof Refusal ? error.reason : error;
    }
  }

  #inTransaction<T>(work: (client: ClientBase) => Promise<T>, begin: string): Promise<T> {
    return this.#repeatedly(async () => {
      const client = await this.#connect();
      return this.#using(client, async (progress) => {
        await client.query(begin);
        const result = await work(client).catch(async (error) => {
          // On a connection that says nothing any more this would be waited for, too.
          if (!isLost(error)) await client.query('ROLLBACK');
          throw error;
        });
        progress.mayHaveCommitted = true;
        await client.query('COMMIT');
        return result;
      });
    });
  }

  /** What is read in here is of one moment. */
  atOneMoment<T>(read: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.transaction(read, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  }

  /**
   * Calls `heard` for what is said on a channel, and once at the beginning, until `signal` is aborted or the connection, one
   * of its own, is lost.
   */
  async listen(channel: string, heard: () => void, signal: AbortSignal): Promise<void> {
    const client = new this.#Client(this.#connection);
    client.on('notification', heard);
    const ended = new Promise((resolve) => client.once('end', resolve));
    const end = () => letGo(client);
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) return;
      heard();
      await ended;
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** When the server last answered anything, as `Date.now` has it. */
  get heardAt(): number {
    return this.#heardAt;
  }

  async close(): Promise<void> {
    await this.#pool.end();
    // A server that says nothing does not take the farewell either.
    for (const client of this.#all) unref(client);
  }

  /** Ends all connections, in the middle of what they do: nothing is waited for and nothing tried again. */
  cut(): void {
    this.#isCut = true;
    for (const client of this.#all) letGo(client);
    void this.#pool.end().catch(() => undefined);
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw new StoreUnavailableError(UNAVAILABLE, 'not_applied', cause);
    }
  }

  /** Gives the connection back, or ends it when it is of no more use. */
  async #using<T>(
    client: pg.PoolClient,
    work: (progress: { mayHaveCommitted: boolean }) => Promise<T>,
  ): Promise<T> {
    const progress = { mayHaveCommitted: false };
    let lost = true;
    try {
      const result = await work(progress);
      lost = false;
      return result;
    } catch (error) {
      const isUnknown = isLost(error) && progress.mayHaveCommitted;
      lost = isLost(error) || lacksPartition(error);
      throw unavailable(error, isUnknown ? 'unknown' : 'not_applied');
    } finally {
      if (!lost) this.#heardAt = Date.now();
      client.release(lost);
    }
  }

  /** Again where nothing was changed, and where a later try may fare better. */
  async #repeatedly<T>(work: () => Promise<T>): Promise<T> {
    const begun = Date.now();
    for (const wait of RETRY_MS) {
      try {
        return await work();
      } catch (error) {
        const isLate = Date.now() - begun > PATIENCE_MS;
        if (this.#isCut || isLate || !mayFareBetter(error)) throw error;
        await pause(wait);
      }
    }
    return work();
  }
}

/** Carries out of a transaction what is nothing that the database has said, whatever it looks like. */
export class Refusal extends Error {
  constructor(readonly reason: unknown) {
    super('refused');
  }
}

/** A process may end while this connection has not. The driver's types lack it. */
export function unref(client: pg.Client): void {
  (client as unknown as { unref(): void }).unref();
}

/** Ends a connection, at once where something is waited for on it; the process need not wait for its end. */
function letGo(client: pg.Client): void {
  unref(client);
  void client.end().catch(() => undefined);
}

/**
 * With what a server ends a connection (PostgreSQL, appendix A): connection exceptions, operator intervention, and timeouts of
 * who said nothing. Its severity is told as a word of the server's language.
 */
const ENDED = /^(08|57P|25P0[34])/;

/** Whether the connection is of no more use: it ended, or the server ended it. */
function isLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return isOfConnection(error);
  return ENDED.test(error.code ?? '') || error.severity === 'FATAL' || error.severity === 'PANIC';
}

/** PostgreSQL, appendix A. Of a constraint it names that; what has no partition violates none of its own. */
const CHECK_VIOLATION = '23514';

/**
 * Whether there is no partition for a row. A connection that says so may be wrong: PostgreSQL 18 has been seen to miss in one what
 * another had attached, until something else made it look again. So it is given up.
 */
export function lacksPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION && !error.constraint;
}

/** What the system or the driver says when a connection ends; the driver has no class for that. */
function isOfConnection(error: unknown): boolean {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return (
    /^E(?!RR)[A-Z]+$/.test(code ?? '') ||
    /^(Connection terminated|Client |Query read timeout)/.test(message ?? '')
  );
}

/**
 * What a server says of its state and not of what it was asked (PostgreSQL, appendix A): connections, rolled back for the
 * sake of others, out of resources, not now, stopped by an operator, a disk that fails; that it only reads, or gives no right; and
 * that database, schema, tables or columns are gone.
 */
const OF_THE_SERVER = /^(08|25006|28|3D|3F|40|42501|42703|42P01|53|55|57|58)/;

/** What an operator has to mend, or time: an error in what we ask stays what it is. */
function isOfServer(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return isOfConnection(error);
  return OF_THE_SERVER.test(error.code ?? '') || lacksPartition(error);
}

function mayFareBetter(error: unknown): boolean {
  if (!(error instanceof StoreUnavailableError) || error.outcome === 'unknown') return false;
  const { cause } = error;
  return isLost(cause) || TRY_AGAIN.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}

function unavailable(error: unknown, outcome: Outcome): unknown {
  if (!isOfServer(error)) return error;
  return new StoreUnavailableError(UNAVAILABLE, outcome, error);
}
