/**
 * The port between the service and whatever keeps the sessions. Its comments are the contract;
 * test/session-store.contract.ts is the same contract as tests, run against every store.
 * May import the domain and nothing else.
 */

import type { Decision } from '../domain/event-log.js';
import type { Session } from '../domain/session.js';
import type { SessionEvent } from '../domain/session-event.js';
import type { Verification } from '../domain/verification.js';

/** A session as a store gives it. */
export interface StoredSession {
  readonly session: Session;
  /** Where its trail lies, for people: a folder, or a URN without credentials. */
  readonly auditPath: string;
}

/** A session that is there and cannot be read. */
export interface CorruptedSession {
  readonly id: string;
  readonly corrupted: true;
}

export interface SessionPage {
  /** Newest first. */
  readonly sessions: readonly (StoredSession | CorruptedSession)[];
  /** How many there are in all. */
  readonly total: number;
}

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

export interface StoreHealth {
  readonly writable: boolean;
  /** Why it cannot be written to, in one line for an operator. */
  readonly reason?: string;
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
   */
  abstract create(ids: Iterable<string>, opening: Decision): Promise<StoredSession>;

  /**
   * Decides against the current state and appends what was decided, all of it or nothing. No events: no change.
   * What `decide` throws is thrown on, and nothing is written.
   */
  abstract append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined>;

  abstract read(id: string): Promise<StoredSession | undefined>;

  /** A page of a session's events, oldest first. */
  abstract events(id: string, query: EventQuery): Promise<EventPage | undefined>;

  /** A page of all sessions, newest first. `limit` from 1 to 500, `offset` from 0. */
  abstract list(query: { limit: number; offset: number }): Promise<SessionPage>;

  /**
   * Checks a session's whole trail as it is kept, and believes nothing that is in memory. What is damaged is told in
   * `problems` and not thrown.
   */
  abstract verify(id: string): Promise<Verification | undefined>;

  /** Takes a session away with its whole trail; whether there was one. */
  abstract remove(id: string): Promise<boolean>;

  /** Whether the store can be written to now. Never throws. */
  abstract health(): Promise<StoreHealth>;

  /** Lets what is under way finish, makes everything durable and lets go. Safe to call twice. */
  abstract close(): Promise<void>;
}
