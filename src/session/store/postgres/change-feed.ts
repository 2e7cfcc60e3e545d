/**
 * Tells what was changed in the database, by whomever. Looking is what finds changes: at what is visible now and was not at
 * the last look. Notices (LISTEN, NOTIFY) only say when to look, so that one that is lost, or a pooler that passes none on,
 * costs a moment and no change.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { SessionChange } from '../session-store.js';
import type { Database } from './database.js';
import { Notices } from './notices.js';

type Listener = (change: SessionChange) => void;

/** Without a notice there is a look all the same, in milliseconds. */
const LOOK_EVERY_MS = 500;
/** Between two looks, in milliseconds: what changes meanwhile is told together. */
const REST_MS = 25;

/** So many are fetched at once: after an outage there may be any number. */
const FETCHED = 1_000;

/** A moment: what is visible at it, and the latest of the transactions that have changed anything by then. */
interface Moment {
  readonly snapshot: string;
  readonly latest: string;
}

const PAST = 'transaction_id < pg_snapshot_xmax(pg_current_snapshot())';
const latestOf = (table: string) =>
  `(SELECT transaction_id FROM ${table} WHERE ${PAST} ORDER BY transaction_id DESC LIMIT 1)`;

const LATEST = `
  SELECT transaction_id FROM (${latestOf('session_events')} UNION ALL ${latestOf('session_removals')}) AS one
  ORDER BY transaction_id DESC LIMIT 1`;

/**
 * A standby does not say which transactions are under way on its primary, only which is the oldest: there nothing from that one on
 * counts as told, and may be told again.
 */
const NOW = `
  SELECT snapshot::text, coalesce((
    CASE WHEN pg_is_in_recovery() THEN least((${LATEST}), (pg_snapshot_xmin(snapshot)::text::numeric - 1)::text::xid8)
    ELSE (${LATEST}) END
  )::text, '0') AS latest FROM pg_current_snapshot() AS snapshot`;

/**
 * Of two that write at once, the later one may be seen first: so those that were under way at that moment are looked for, one
 * by one, and not all that was written since the oldest of them began. Of what came later the snapshot is not asked: after a
 * crash the server gives again the numbers of transactions that left nothing on the disk, and there they stand as seen.
 */
const since = (columns: string, table: string) => `
  SELECT ${columns} FROM ${table} WHERE transaction_id > $2::xid8 AND ${PAST}
  UNION ALL
  SELECT ${columns} FROM ${table}
  WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) AND transaction_id <= $2::xid8`;

/** What is visible now and was not at a moment, which is bound to it: sessions, with their revisions. */
export const CHANGED = `
  SELECT session_id AS id, max(seq) + 1 AS revision FROM (${since('session_id, seq', 'session_events')}) added GROUP BY 1
  UNION ALL
  SELECT id, 0 FROM (${since('id', 'session_removals')}) removed
  ORDER BY revision`;

const LOOK = `DECLARE changes NO SCROLL CURSOR FOR ${CHANGED}`;

export class ChangeFeed {
  readonly #listeners = new Set<Listener>();
  readonly #notices: Notices;
  readonly #closing = new AbortController();
  #looking: Promise<unknown> | undefined;
  /** Of the moment of which everything is told. */
  #seen: Moment = { snapshot: '', latest: '' };
  #isDue = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {
    this.#notices = new Notices(database);
  }

  /** As the port says. @throws StoreUnavailableError */
  async watch(listener: Listener, signal: AbortSignal): Promise<void> {
    const now = await this.database.reading(momentOf);
    if (signal.aborted) return;
    if (this.#listeners.size === 0) this.#seen = now;
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
    this.#looking ??= this.#begin();
  }

  /** Something was changed through this store. */
  changed(): void {
    this.#look();
    this.#notices.give();
  }

  /** Nothing is told from now on. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#listeners.clear();
    this.#look();
    await this.#looking;
    await this.#notices.close();
  }

  /** From the first who watches on until the end: the next one may come at any time. */
  #begin(): Promise<unknown> {
    const { signal } = this.#closing;
    const listening = this.#notices.listen(() => this.#look(), signal);
    return Promise.all([listening, this.#lookAgainAndAgain(signal)]);
  }

  async #lookAgainAndAgain(signal: AbortSignal): Promise<void> {
    let isLate = false;
    while (!signal.aborted) {
      await this.#untilDue();
      try {
        if (this.#listeners.size > 0)
          this.#seen = await this.database.atOneMoment((client) => this.#tell(client));
        isLate = false;
      } catch (error) {
        if (!isLate) this.warn('it cannot be seen what is changed; who watches is told later', error);
        isLate = true;
      }
      await pause(REST_MS);
    }
  }

  #look(): void {
    this.#isDue = true;
    this.#wake();
  }

  async #untilDue(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_EVERY_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isDue = false;
  }

  /** Tells what is visible now and was not then. */
  async #tell(client: ClientBase): Promise<Moment> {
    const now = await momentOf(client);
    await client.query(LOOK, [this.#seen.snapshot, this.#seen.latest]);
    for (let fetched = FETCHED; fetched === FETCHED; ) {
      const { rows } = await client.query<SessionChange>(`FETCH ${FETCHED} FROM changes`);
      for (const { id, revision } of rows) for (const listener of this.#listeners) listener({ id, revision });
      fetched = rows.length;
    }
    return now;
  }
}

async function momentOf(client: ClientBase): Promise<Moment> {
  const { rows } = await client.query<Moment>(NOW);
  return rows[0] as Moment;
}
