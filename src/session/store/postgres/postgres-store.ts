/**
 * A PostgreSQL database as a store, for several processes and machines. Each command is one transaction: it locks the row
 * of its session, so that no two decide on the same state whoever they are, and adds the very lines that a log in a file
 * would have.
 */

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ClientBase } from 'pg';
import { toColumn } from '../../domain/column-text.js';
import {
  IdempotencyKeyInUseError,
  SessionCorruptedError,
  StoreUnavailableError,
} from '../../domain/errors.js';
import { type Decision, readPiece } from '../../domain/event-log.js';
import { idempotencyKeyOf } from '../../domain/idempotency.js';
import { type Session } from '../../domain/session.js';
import { type Verification, verdict, verifyTrail } from '../../domain/verification.js';
import {
  type EventPage,
  type EventQuery,
  type ListQuery,
  type SessionChange,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  SessionStore,
  type StoredSession,
  type StoreHealth,
} from '../session-store.js';
import { ofThisStore } from './advisory-locks.js';
import { ChangeFeed } from './change-feed.js';
import { Database } from './database.js';
import { openDatabase } from './open-database.js';
import {
  addLines,
  decided,
  lockSession,
  logOf,
  removeSession,
  seal,
  UNIQUE_VIOLATION,
} from './session-commands.js';
import { SessionPartitions } from './session-partitions.js';
import { countSessions, findPage } from './session-queries.js';
import { rowProblems, type StateRow, sessionOf, type WholeRow } from './session-rows.js';
import { EVENTS, INSERT, insertValues, LINES, MADE_WITH, READ, WHOLE } from './session-statements.js';
import {
  assertOurs,
  HEALTH,
  type HealthRow,
  readIdentity,
  whyNotOurs,
  whyNotWritable,
} from './store-identity.js';

export interface PostgresStoreOptions {
  /** Like `postgres://user:password@host/database`. */
  readonly url: string;
  /** Connections for commands and questions, at most; default 10. There is one more, and another while somebody watches. */
  readonly poolSize?: number;
  readonly warn?: Warn;
}

type Warn = (message: string, cause: unknown) => void;

const POOL_SIZE = 10;
/** So many commands may wait for one session before a further one is turned away, as in a folder. */
const MAX_WAITING = 1_000;
/** After this time a command that still waits for its session is turned away, in milliseconds: others hold it up. */
const TURN_MS = 10_000;
/** After this time a store that is closed begins nothing more, in milliseconds. */
const CLOSE_MS = 5_000;
/** While the store is closed, the database may be silent for this time before it is waited for no longer, in milliseconds. */
const SILENCE_MS = 2_000;
const LOOK_EVERY_MS = 50;

/** What a command came to. */
interface Done {
  readonly session: Session | undefined;
  readonly isChanged: boolean;
}

const NOTHING: Done = { session: undefined, isChanged: false };
const changed = (session: Session): Done => ({ session, isChanged: true });
const unchanged = (session: Session): Done => ({ session, isChanged: false });

export class PostgresStore extends SessionStore {
  readonly #underWay = new Set<Promise<unknown>>();
  /** The commands of this process on one session wait here for each other, and not each with a connection of its own. */
  readonly #turns = new Map<string, ReturnType<typeof pLimit>>();
  readonly #partitions: SessionPartitions;
  readonly #feed: ChangeFeed;
  #closing: Promise<void> | undefined;
  /** When nothing more is begun, as `Date.now` has it. */
  #endsAt = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly database: Database,
    /** For notices, looks and health, which are not to wait for commands. */
    private readonly aside: Database,
    private readonly storeId: string,
    warn: Warn,
  ) {
    super();
    this.#partitions = new SessionPartitions(database);
    this.#feed = new ChangeFeed(aside, warn);
  }

  /**
   * Connects, and makes the tables where they are missing.
   * @throws StoreOpenError
   */
  static async open({ url, poolSize = POOL_SIZE, warn = () => undefined }: PostgresStoreOptions) {
    const { database, storeId } = await openDatabase({ url, poolSize, warn });
    return new PostgresStore(database, new Database({ url, poolSize: 1, warn }), storeId, warn);
  }

  override create(ids: Iterable<string>, opening: Decision, keyedSince?: Date): Promise<StoredSession> {
    const key = idempotencyKeyOf(opening);
    const make = (id: string) =>
      key === undefined ? this.#make(id, opening) : this.#makeWithKey(id, opening, key, keyedSince);
    return this.#accept(() => this.#create(ids, make));
  }

  override append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined> {
    return this.#accept(() => this.#inTurn(id, () => this.#told(this.#append(id, decide))));
  }

  override read(id: string): Promise<StoredSession | undefined> {
    return this.#accept(async () => {
      const [row] = await this.database.query<StateRow>(READ, [toColumn(id)]);
      return row && this.#stored(sessionOf(row));
    });
  }

  override events(id: string, { after = -1, limit }: EventQuery): Promise<EventPage | undefined> {
    return this.#accept(async () => {
      // With the event before the page, which the page has to continue.
      const first = Math.max(after, 0);
      const count = limit + (after < 0 ? 0 : 1);
      const rows = await this.database.query<{ revision: number; line: string | null }>(EVENTS, [
        toColumn(id),
        first,
        count,
      ]);
      if (!rows[0]) return undefined;
      const { revision } = rows[0];
      const log = logOf(rows.filter(({ line }) => line !== null));
      const { events: read, finding } = readPiece(log, this.storeId, id, first);
      if (finding !== undefined || read.length < Math.min(count, revision - first))
        throw new SessionCorruptedError(
          id,
          `its log from event ${first}: ${finding ?? 'events are missing'}`,
        );
      const events = after < 0 ? read : read.slice(1);
      const last = events.at(-1);
      return { events, nextAfter: last && last.seq < revision - 1 ? last.seq : null, revision };
    });
  }

  override list(query: ListQuery): Promise<SessionPage> {
    const page = (client: ClientBase) => findPage(client, query);
    // A total that does not go with its page would be of another moment.
    return this.#accept(() =>
      query.counted ? this.database.atOneMoment(page) : this.database.reading(page),
    );
  }

  override stats(filter: SessionFilter): Promise<SessionStats> {
    return this.#accept(() => this.database.atOneMoment((client) => countSessions(client, filter)));
  }

  override verify(id: string): Promise<Verification | undefined> {
    return this.#accept(async () => {
      const found = await this.database.atOneMoment(async (client) => {
        await this.#assertOurs(client);
        const { rows } = await client.query<WholeRow>(WHOLE, [toColumn(id)]);
        const lines = await client.query<{ line: string }>(LINES, [toColumn(id)]);
        return rows[0] || lines.rows.length > 0 ? { row: rows[0], lines: lines.rows } : undefined;
      });
      if (!found) return undefined;
      const known = found.row?.revision ?? 0;
      const trail = { storeId: this.storeId, sid: id, log: logOf(found.lines), view: null, known };
      const { events, problems } = verifyTrail(trail);
      const isWhole = problems.length === 0;
      const ofRow = isWhole && found.row ? rowProblems(found.row, events, trail.log.length) : [];
      return verdict(events, [...problems, ...ofRow]);
    });
  }

  override remove(id: string): Promise<boolean> {
    return this.#accept(() =>
      this.#inTurn(id, async () => {
        const isRemoved = await this.database.transaction(async (client) => {
          await this.#assertOurs(client);
          return removeSession(client, toColumn(id));
        });
        if (isRemoved) this.#feed.changed();
        return isRemoved;
      }),
    );
  }

  override watch(listener: (change: SessionChange) => void, signal: AbortSignal): Promise<void> {
    return this.#accept(() => this.#feed.watch(listener, signal));
  }

  override async health(): Promise<StoreHealth> {
    if (this.#closing) return { writable: false, reason: 'the store is closed' };
    try {
      // Not one of the connections that commands may all be waiting with.
      const [row] = await this.aside.query<HealthRow>(HEALTH);
      const reason = whyNotWritable(row) ?? whyNotOurs(this.storeId, row?.store_id);
      return reason ? { writable: false, reason } : { writable: true };
    } catch (error) {
      const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
      return { writable: false, reason: `the database does not answer (${code ?? message})` };
    }
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    let isDone = false;
    const begun = Date.now();
    this.#endsAt = begun + CLOSE_MS;
    const done = this.#finish().finally(() => {
      isDone = true;
    });
    // Whoever stops a server cannot wait for a database that says nothing.
    while (!isDone && Date.now() - Math.max(begun, this.database.heardAt) < SILENCE_MS)
      await Promise.race([done, pause(LOOK_EVERY_MS)]);
    if (isDone) return done;
    done.catch(() => undefined);
    const isUnknown = this.#underWay.size > 0;
    this.database.cut();
    this.aside.cut();
    // A notice or a look that is cut off changes nothing.
    if (!isUnknown) return;
    throw new StoreUnavailableError(
      'The database does not answer: what was under way is not known',
      'unknown',
    );
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#feed.close();
    await Promise.all([this.database.close(), this.aside.close()]);
  }

  /** Does what was asked for before the store was closed; `close` waits for it. */
  async #accept<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new StoreUnavailableError('The store is closed', 'not_applied');
    const accepted = work();
    this.#underWay.add(accepted);
    try {
      return await accepted;
    } finally {
      this.#underWay.delete(accepted);
    }
  }

  /** @throws StoreUnavailableError (`not_applied`) where too many wait for the session, or for too long */
  async #inTurn<T>(id: string, command: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(id) ?? pLimit(1);
    if (turns.pendingCount >= MAX_WAITING) throw tooMany();
    this.#turns.set(id, turns);
    const until = Date.now() + TURN_MS;
    try {
      return await turns(() => {
        if (Date.now() > Math.min(until, this.#endsAt)) throw tooMany();
        return command();
      });
    } finally {
      if (turns.activeCount + turns.pendingCount === 0) this.#turns.delete(id);
    }
  }

  /** Under the first id that is free. */
  async #create(ids: Iterable<string>, make: (id: string) => Promise<Done>): Promise<StoredSession> {
    for (const id of ids) {
      const stored = await this.#told(this.#partitions.with([id], () => make(id)).catch(doneIfTaken));
      if (stored) return stored;
    }
    throw new StoreUnavailableError('No free session id was found in this second', 'not_applied');
  }

  async #make(id: string, opening: Decision): Promise<Done> {
    const sealed = seal(this.storeId, id, undefined, opening);
    const made = await this.database.change(INSERT, insertValues(sealed, this.storeId));
    if (made.length > 0) return changed(sealed.session);
    // The id is taken, or the database has become another store.
    await this.database.reading((client) => this.#assertOurs(client));
    return NOTHING;
  }

  #makeWithKey(id: string, opening: Decision, key: string, since = new Date(0)): Promise<Done> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query<{ free: boolean }>(LOCK_KEY, [lockOf(key)]);
      if (!rows[0]?.free) throw new IdempotencyKeyInUseError();
      const known = await client.query<StateRow>(MADE_WITH, [key, since.toISOString()]);
      if (known.rows[0]) return unchanged(sessionOf(known.rows[0]));
      const sealed = seal(this.storeId, id, undefined, opening);
      const made = await client.query(INSERT, insertValues(sealed, this.storeId));
      if (made.rows.length > 0) return changed(sealed.session);
      await this.#assertOurs(client);
      return NOTHING;
    });
  }

  #append(id: string, decide: (current: Session) => Decision): Promise<Done> {
    return this.database.transaction(async (client) => {
      const before = await lockSession(client, id);
      if (!before) return NOTHING;
      assertOurs(this.storeId, before.storeId);
      const decision = decided(decide, before.session);
      if (decision.events.length === 0) return unchanged(before.session);
      const sealed = seal(this.storeId, id, before, decision);
      await addLines(client, this.storeId, sealed, before.session);
      return changed(sealed.session);
    });
  }

  /** What was changed is committed by now: whoever watches is told. */
  async #told(command: Promise<Done>): Promise<StoredSession | undefined> {
    const { session, isChanged } = await command;
    if (isChanged) this.#feed.changed();
    return session && this.#stored(session);
  }

  /** The database may have become another store since it was opened. */
  async #assertOurs(client: ClientBase): Promise<void> {
    const { storeId, copiedSince } = await readIdentity(client);
    assertOurs(this.storeId, copiedSince ? null : storeId);
  }

  #stored(session: Session): StoredSession {
    return { session, auditPath: `urn:impact-session:${this.storeId}:${session.id}` };
  }
}

function tooMany(): StoreUnavailableError {
  return new StoreUnavailableError('Too many commands wait for this session', 'not_applied');
}

/** Also where only lines are left of a session with this id. */
function doneIfTaken(error: { readonly code?: string }): Done {
  if (error.code !== UNIQUE_VIOLATION) throw error;
  return NOTHING;
}

const LOCK_KEY = `SELECT pg_try_advisory_xact_lock(${ofThisStore('$1')}) AS free`;

/** The lock of a key: 64 bits of its hash, as PostgreSQL has them. */
function lockOf(key: string): string {
  return createHash('sha256').update(key).digest().readBigInt64BE().toString();
}
