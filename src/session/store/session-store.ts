/**
 * The port between the service and whatever keeps the sessions. Its comments are the contract;
 * src/testing/ is the same contract as tests, run against every store.
 * May import the domain and nothing else.
 */

import type { Decision } from '../domain/event-log.js';
import type { Session } from '../domain/session.js';
import type { ListedSession } from '../domain/session-document.js';
import type { SessionEvent } from '../domain/session-event.js';
import type { Verification } from '../domain/verification.js';

/** A session as a store gives it. */
export interface StoredSession {
  readonly session: Session;
  /** Where its trail lies, for people: a folder, or a URN without credentials. */
  readonly auditPath: string;
}

/** Which sessions: those that fit every member given here. */
export interface SessionFilter {
  /** One of these, of which `CORRUPTED` may be one; at least one. */
  readonly statuses?: readonly string[];
  readonly userId?: string;
  /** Created at this time or later: RFC 3339, UTC, milliseconds, as in a session. */
  readonly createdAfter?: string;
  /** Created before this time. */
  readonly createdBefore?: string;
  /** Has all of these labels with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Each of these words begins a word of what `searchText` gives of the session. Words are runs of letters and digits, of
   * which 500 UTF-16 units count; case and accents make no difference. A text without any word fits no session.
   */
  readonly text?: string;
}

export type ListOrder = 'newest' | 'oldest';

export interface ListQuery {
  readonly filter?: SessionFilter;
  /** By `createdAt`; of one millisecond, in an order that stays as it is. Default: newest first. */
  readonly order?: ListOrder;
  /** At most this many, from 1 to 500. */
  readonly limit: number;
  /** Where the page before ended: its `next`, with the same order. */
  readonly after?: string;
  /** How many to pass over, from 0. */
  readonly offset?: number;
  /** Whether to count all that fit the filter, too. */
  readonly counted?: boolean;
}

export interface SessionPage {
  readonly sessions: readonly ListedSession[];
  /** The `after` of the next page; `null` when this one holds the last. */
  readonly next: string | null;
  /** How many fit the filter; only where it was asked for. */
  readonly total?: number;
  /** False while the store still takes stock of what it holds, or cannot write that down: then sessions may be missing. */
  readonly complete: boolean;
}

/** What sessions have in common, counted at one moment. Equally frequent ones are in the order of their names' code points. */
export interface SessionStats {
  readonly total: number;
  /** By status, most frequent first. */
  readonly statuses: readonly { readonly status: string; readonly sessions: number }[];
  /** By day of creation (UTC, `2024-01-15`), the newest first; at most `STATS_LIMITS.days`. */
  readonly days: readonly { readonly day: string; readonly sessions: number }[];
  /** By name of the timing, most frequent first, at most `STATS_LIMITS.timings`; milliseconds, by nearest rank. */
  readonly timings: readonly TimingStats[];
  /** As in `SessionPage`. */
  readonly complete: boolean;
}

export interface TimingStats {
  readonly name: string;
  /** How many sessions have it. */
  readonly sessions: number;
  readonly p50: number;
  readonly p95: number;
}

/** How much a store tells at most in its statistics. */
export const STATS_LIMITS = { days: 1_000, timings: 100 } as const;

export interface EventQuery {
  /** Only events with a `seq` greater than this. Absent: from the first. */
  readonly after?: number;
  /** At most this many, from 1 to 500. */
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly SessionEvent[];
  /** The `after` that continues where this page ends; `null` when it holds the last event. */
  readonly nextAfter: number | null;
  /** The session's revision that this page was read at. */
  readonly revision: number;
}

/** A session that was changed. */
export interface SessionChange {
  readonly id: string;
  /** How many events it had then, and may have more by now; 0: it was removed. */
  readonly revision: number;
}

export interface StoreHealth {
  readonly writable: boolean;
  /** Why it cannot be written to, in one line for an operator. */
  readonly reason?: string;
  /** How far the store is with taking stock of what it holds, while listings are not complete. */
  readonly takingStock?: { readonly sessions: number; readonly days: number; readonly daysDone: number };
}

/**
 * Keeps sessions as lists of events.
 *
 * - **Durable on return.** When `create`, `append` or `remove` has resolved, its effect survives a kill of the
 *   process and a power cut. No reader ever sees an effect that would not.
 * - **Missing is `undefined`** (or `false`), never a throw.
 * - **Commands on one session run one after another**, so that a decision is never made on a stale state.
 * - **Every listing is bounded** by its `limit`.
 *
 * Any method may throw `StoreUnavailableError`, whose `outcome` says whether the change may have been made;
 * those that take an id may throw `SessionCorruptedError`, which concerns that session alone.
 */
export abstract class SessionStore {
  /**
   * Makes a session under the first id of `ids` that is free; a taken id is never overwritten.
   * `ids` must end: when all it gives are taken, `StoreUnavailableError` (`not_applied`).
   *
   * Where the opening event carries an `idempotency` key: a session that was created with the same key at `keyedSince`
   * or later is returned as it is, and nothing is made.
   * @throws IdempotencyKeyInUseError while another call makes a session with the same key
   */
  abstract create(ids: Iterable<string>, opening: Decision, keyedSince?: Date): Promise<StoredSession>;

  /**
   * Decides against the current state and appends what was decided, all of it or nothing. No events: no change.
   * What `decide` throws is thrown on, and nothing is written.
   */
  abstract append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined>;

  abstract read(id: string): Promise<StoredSession | undefined>;

  /** A page of a session's events, oldest first. */
  abstract events(id: string, query: EventQuery): Promise<EventPage | undefined>;

  /**
   * A page of the sessions that fit a filter. What was acknowledged before the call is in it. Going on with `next` shows
   * each session once that is there all the while, whatever is created and removed meanwhile, also after a restart.
   * @throws RangeError when `after` is nothing that a page has given
   */
  abstract list(query: ListQuery): Promise<SessionPage>;

  /** Counts over the sessions that fit a filter. */
  abstract stats(filter: SessionFilter): Promise<SessionStats>;

  /**
   * Checks a session's whole trail as it is kept, and believes nothing that is in memory. What is damaged is told in
   * `problems` and not thrown.
   */
  abstract verify(id: string): Promise<Verification | undefined>;

  /** Takes a session away with its whole trail; whether there was one. */
  abstract remove(id: string): Promise<boolean>;

  /**
   * Tells `listener` what is changed from when this has resolved until `signal` is aborted or the store is closed: through
   * this store, and through others over the same data, within a second. Who then reads sees the change. Changes of a session
   * that follow each other closely may be told as the last of them, and one may be told again; of one session, they are
   * told in their order. The listener must not throw.
   */
  abstract watch(listener: (change: SessionChange) => void, signal: AbortSignal): Promise<void>;

  /** Whether the store can be written to now. Never throws. */
  abstract health(): Promise<StoreHealth>;

  /** Lets what is under way finish, makes everything durable and lets go. Safe to call twice. */
  abstract close(): Promise<void>;
}
