/**
 * What the session component can be told, and the tokens under which its parts find it.
 * Imports types only: stores, clock and lifecycle are named here, and chosen in session.module.ts.
 */

import type { Lifecycle } from './domain/lifecycle.js';
import type { SessionStore } from './store/session-store.js';

/** A folder as the store. One process at a time may write to it. */
export interface FileStoreChoice {
  readonly kind: 'file';
  /** The data folder; made when missing. */
  readonly path: string;
  /** IANA name of the zone in which the Python component wrote its times. Default `UTC`. */
  readonly legacyTimeZone?: string;
  /** Accept a network filesystem, whose locks and syncs cannot be relied on. Default `false`. */
  readonly allowNetworkFilesystem?: boolean;
}

/** A PostgreSQL database as the store. Any number of processes may use it at the same time. */
export interface PostgresStoreChoice {
  readonly kind: 'postgres';
  /** Like `postgres://user:password@host/database?sslmode=verify-full`; its tables are made when missing. */
  readonly url: string;
  /** Connections at most for what is asked, from 1 to 1000; there are two more for notices. Default 10. */
  readonly poolSize?: number;
}

export type StoreChoice = FileStoreChoice | PostgresStoreChoice;

export interface SessionModuleOptions {
  /** Where sessions are kept: a description of one of our stores, or a store of your own (you close it). */
  readonly store: StoreChoice | SessionStore;
  /** Another lifecycle than the specification's. Default `ASSESSMENT_LIFECYCLE`. */
  readonly lifecycle?: Lifecycle;
  /** The time; for tests. Default: the system's clock. */
  readonly now?: () => Date;
  /** Six lower-case hexadecimal digits; for tests. Default: 24 bits from `node:crypto`. */
  readonly randomSuffix?: () => string;
}

/** What the service needs besides its store. */
export interface SessionServiceOptions {
  readonly lifecycle: Lifecycle;
  readonly now: () => Date;
  readonly randomSuffix: () => string;
}

export const SESSION_MODULE_OPTIONS = Symbol('SESSION_MODULE_OPTIONS');
export const SESSION_SERVICE_OPTIONS = Symbol('SESSION_SERVICE_OPTIONS');
