/**
 * A PostgreSQL database whose sessions are copied into another store: read, and never written to, not even its tables made.
 */

import type { ClientBase } from 'pg';
import { fold, type Session } from '../../domain/session.js';
import { isLegacyId } from '../../domain/session-id.js';
import { isDamage, type Problem, TORN_COPY, verifyTrail } from '../../domain/verification.js';
import {
  type CopySource,
  isTooMuch,
  notCopyable,
  type ReadSession,
  type SourceEntry,
} from '../session-copy.js';
import { type KeptCopy, readCopies } from './copied-rows.js';
import type { Database } from './database.js';
import { openAsSource } from './open-database.js';

/** How many ids are asked for at once. */
const PAGE = 1_000;
/** As many as batches that are under way at once, and the listing. */
const CONNECTIONS = 5;

const LISTED = 'SELECT id, log_bytes FROM sessions WHERE id > $1 ORDER BY id LIMIT $2';
/** Lines whose session was taken away by hand are told of, too. */
const STRAYS = `
  SELECT DISTINCT session_id AS id FROM session_events
  WHERE session_id > $1 AND ($2::text IS NULL OR session_id <= $2) AND NOT EXISTS (SELECT FROM sessions WHERE id = session_id)
  ORDER BY 1`;
/** Of two that write at once the later one may have the smaller number, so that events are counted, too. */
const STAMP = `
  SELECT (SELECT transaction_id FROM session_events ORDER BY transaction_id DESC LIMIT 1)::text AS latest,
    (SELECT count(*) FROM session_events) AS events, (SELECT count(*) FROM sessions) AS sessions`;

export class DatabaseSource implements CopySource {
  private constructor(
    private readonly database: Database,
    readonly storeId: string,
  ) {}

  /** @throws StoreOpenError whose message is one line, without a password */
  static async open(url: string): Promise<DatabaseSource> {
    const warn = () => undefined;
    const { database, storeId } = await openAsSource({ url, poolSize: CONNECTIONS, warn });
    return new DatabaseSource(database, storeId);
  }

  async count(): Promise<number> {
    const [row] = await this.database.query<{ n: string }>('SELECT count(*) AS n FROM sessions');
    return Number(row?.n);
  }

  async *entries(): AsyncIterable<SourceEntry> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: readonly { id: string; log_bytes: string }[] = await this.database.query(LISTED, [
        after,
        PAGE,
      ]);
      const last: string | undefined = page.length < PAGE ? undefined : page.at(-1)?.id;
      const strays = await this.database.query<{ id: string }>(STRAYS, [after, last ?? null]);
      for (const { id, log_bytes } of page) yield { id, bytes: Number(log_bytes) };
      for (const { id } of strays) yield { id, bytes: 0 };
      after = last;
    }
  }

  async missing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const there = await this.database.query<{ id: string }>(
      'SELECT id FROM sessions WHERE id = ANY($1) UNION SELECT session_id FROM session_events WHERE session_id = ANY($1)',
      [ids],
    );
    const found = new Set(there.map(({ id }) => id));
    return new Set(ids.filter((id) => !found.has(id)));
  }

  async read(entries: readonly SourceEntry[]): Promise<readonly ReadSession[]> {
    const ids = entries.map(({ id }) => id);
    const copies = await this.database.atOneMoment((client: ClientBase) => readCopies(client, ids));
    return copies.map((copy) => this.#verifiedOrNot(copy));
  }

  async stamp(): Promise<string> {
    return JSON.stringify(await this.database.query(STAMP));
  }

  close(): Promise<void> {
    return this.database.close();
  }

  /** One that is too deep concerns itself, and keeps nobody from copying the others. */
  #verifiedOrNot(copy: KeptCopy): ReadSession {
    try {
      return this.#verified(copy);
    } catch (error) {
      if (!isTooMuch(error)) throw error;
      return { id: copy.id, problems: [notCopyable(error.message)], imported: false };
    }
  }

  #verified({ id, revision, log, tails }: KeptCopy): ReadSession {
    const trail = { storeId: this.storeId, sid: id, log, view: null, known: revision ?? 0 };
    const verified = verifyTrail(trail);
    const problems = [...verified.problems, ...(isLegacyId(id) ? [] : [NO_ID])];
    if (problems.some(isDamage)) return { id, problems, imported: false };
    const session = fold(undefined, verified.events) as Session;
    const kept = new Map([...tails].filter(([file]) => TORN_COPY.test(file)));
    return {
      id,
      problems,
      whole: { session, log: log.subarray(0, verified.length), tails: kept },
      imported: false,
    };
  }
}

const NO_ID: Problem = {
  seq: null,
  kind: 'state_impossible',
  message: 'its id is none that a session can have',
};
