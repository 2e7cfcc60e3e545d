/**
 * The index on the disk: rows of sessions put and taken away, the set of sessions with a write under way, what is known of
 * the days. A narrow interface over libsql, and the only file that writes to it. Every call is synchronous and takes
 * microseconds to milliseconds.
 *
 * Nothing here is synced while it is open: after a power cut the index is made anew (see docs/STORAGE.md), and a kill
 * leaves what the kernel has.
 */

import { hash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import type { KeptState } from '../kept-state.js';
import { byDayNewestFirst } from '../session-folders.js';
import { areOfOneTime, INDEX_FORMAT, type IndexRow, SCHEMA } from './index-schema.js';
import { prepareStatements } from './index-statements.js';

/** What the index says of itself. */
export interface About {
  /** Whether it has a row of every session. */
  readonly complete: boolean;
  /** Whether what is in the folders is known to be durable, but for the sessions with a write under way. */
  readonly settled: boolean;
  /** Number of the latest taking of stock: rows that it has not seen are of another one. */
  readonly scan: number;
}

/** Whether a row is what a command left, or what was found in a folder: that may be older. */
export type Source = 'command' | 'scan';

export interface Unseen {
  readonly sessions: readonly { readonly id: string; readonly day: string }[];
  readonly next: bigint | undefined;
}

interface KnownRow {
  readonly n: bigint;
  readonly day: string;
  readonly status: string;
  readonly userId: string | null;
  readonly labels: string;
  readonly timing: string;
  readonly listed: string;
  readonly idempotencyKey: string | null;
  readonly wordsHash: string;
  readonly scan: number;
}

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB|FORMAT|CANTOPEN)/;
/** Pages of the index that are kept in memory, in KiB. */
const CACHE_KIB = 16_384;
/** How many rows that nobody waits for are written together: that takes some tens of milliseconds. */
const PUT_TOGETHER = 4_000;
/** After how many pages of the write-ahead log they go into the index. */
const CHECKPOINT_PAGES = 4_000;

export class IndexDatabase {
  readonly #database: Database.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** How many rows of `putLater` wait to be committed. */
  #later = 0;

  private constructor(
    private readonly path: string,
    database: Database.Database,
  ) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** The index at this path; `undefined` when there is none of this store and format, or a damaged one. */
  static openKept(path: string, storeId: string): { database: IndexDatabase; about: About } | undefined {
    if (!existsSync(path)) return undefined;
    let connection: Database.Database | undefined;
    try {
      connection = connect(path);
      const database = new IndexDatabase(path, connection);
      const about = database.#about(storeId);
      if (about) return { database, about };
    } catch {
      // Damaged: whoever asked makes it anew.
    }
    connection?.close();
    return undefined;
  }

  get isOpen(): boolean {
    return this.#database.open;
  }

  /** An empty index in the place of whatever is there. @throws the driver's error */
  static makeAnew(path: string, storeId: string, about: About): IndexDatabase {
    IndexDatabase.delete(path);
    const database = connect(path);
    database.exec(`BEGIN; ${SCHEMA}`);
    database.prepare('INSERT INTO about VALUES (?, ?, 0, 0, 0)').run(INDEX_FORMAT, storeId);
    database.exec('COMMIT');
    const made = new IndexDatabase(path, database);
    made.note(about);
    return made;
  }

  /** Takes the index at this path away. */
  static delete(path: string): void {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
  }

  #about(storeId: string): About | undefined {
    const read = 'SELECT complete, settled, scan FROM about WHERE format = ? AND store_id = ?';
    const row = this.#database.prepare(read).raw().get(INDEX_FORMAT, storeId) as
      | [number, number, number]
      | undefined;
    return row && { complete: row[0] === 1, settled: row[1] === 1, scan: row[2] };
  }

  note({ complete, settled, scan }: About): void {
    this.#commit();
    const write = 'UPDATE about SET complete = ?, settled = ?, scan = ?';
    this.#database.prepare(write).run(Number(complete), Number(settled), scan);
  }

  /** Does several things at once: all of them or none are in the index. */
  together(work: () => void): void {
    this.#commit();
    this.#begin();
    try {
      work();
      this.#commit();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /**
   * Puts rows in that nobody waits for: they are there for others when something else is written, or after so many.
   * Rows of one user lie together, and of one label: what writes few at once writes the same pages again and again.
   */
  putLater(rows: readonly IndexRow[], scan: number): void {
    try {
      if (!this.#database.inTransaction) this.#begin();
      this.put(rows, 'scan', scan);
      this.#later += rows.length;
      if (this.#later >= PUT_TOGETHER) this.#commit();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** Puts rows in, by their places: the search index takes that four times as fast. */
  put(rows: readonly IndexRow[], source: Source, scan: number): void {
    const ordered = [...rows].sort((left, right) => (left.place < right.place ? -1 : 1));
    for (const row of ordered) this.#put(row, source, scan);
  }

  remove(id: string): void {
    const known = this.#find(id);
    if (known) this.#erase(known);
  }

  removeAll(ids: readonly string[]): void {
    this.together(() => {
      for (const id of ids) this.remove(id);
    });
  }

  /** How many sessions there are. */
  count(): number {
    return (this.#database.prepare('SELECT count(*) FROM session').raw().get() as [number])[0];
  }

  /** Of which sessions a write is under way. */
  underWay(): string[] {
    return this.#statements.underWay.all().map((row) => (row as [string])[0]);
  }

  enter(ids: Iterable<string>): void {
    for (const id of ids) this.#statements.enter.run([id]);
  }

  leave(ids: Iterable<string>): void {
    for (const id of ids) this.#statements.leave.run([id]);
  }

  /** The day folder in which a session lies. */
  dayOf(id: string): string | undefined {
    return (this.#statements.dayOf.get([id]) as [string] | undefined)?.[0];
  }

  /** What is kept of a session's state. */
  keptState(id: string): KeptState | undefined {
    const row = this.#statements.keptState.get([id]) as
      | [string, number, number, number, string, string]
      | undefined;
    if (!row) return undefined;
    const [day, length, log, view, text, sha256] = row;
    return { day, length, whole: { log, view }, text, sha256 };
  }

  withStatus(status: string): string[] {
    const read = this.#database.prepare('SELECT id FROM session WHERE status = ?').raw();
    return read.all(status).map((row) => (row as [string])[0]);
  }

  /** The latest session that was made with this idempotency key, at this place or later. */
  findKey(key: string, from: bigint): string | undefined {
    return (this.#statements.findKey.get([key, from]) as [string] | undefined)?.[0];
  }

  /** Of the rows of these places, `limit` at most: those that this taking of stock has not seen; and where to go on. */
  unseen(scan: number, [from, to]: readonly [bigint, bigint], limit: number): Unseen {
    const rows = this.#statements.between.all([from, to, limit]) as [bigint, string, string, bigint][];
    const last = rows.at(-1);
    return {
      sessions: rows.filter((row) => Number(row[3]) !== scan).map(([, id, day]) => ({ id, day })),
      next: last && rows.length === limit ? last[0] + 1n : undefined,
    };
  }

  /** When each day folder was changed last, as far as the index has followed; milliseconds since 1970. */
  days(): Map<string, number> {
    const rows = this.#database.prepare('SELECT name, changed FROM day').raw().all() as [string, number][];
    return new Map(rows);
  }

  noteDays(days: ReadonlyMap<string, number>): void {
    this.#database.exec('DELETE FROM day');
    const insert = this.#database.prepare('INSERT INTO day VALUES (?, ?)');
    for (const [name, changed] of days) insert.run(name, changed);
  }

  /** Leaves one file with all in it, durably. The driver closes its files only when memory is collected. */
  close(): void {
    if (!this.#database.open) return;
    this.#commit();
    const [checkpoint] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
    this.#database.close();
    if (checkpoint.busy) throw new Error('somebody still reads the index');
    for (const suffix of ['-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
    syncNow(this.path);
    // That the write-ahead log is gone, too: an old one would be taken for what came after this.
    syncNow(dirname(this.path));
  }

  /** Lets go of an index that is of no use any more. */
  abandon(): void {
    try {
      this.#database.close();
    } catch {
      // It is damaged.
    }
  }

  #begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  #commit(): void {
    if (this.#database.inTransaction) this.#database.exec('COMMIT');
    this.#later = 0;
  }

  #rollBack(): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#later = 0;
  }

  #put(row: IndexRow, source: Source, scan: number): void {
    const wordsHash = row.words && hash('sha256', row.words, 'base64url').slice(0, 16);
    const known = this.#find(row.id);
    // Seen in this taking of stock, and there to stay: days are looked through in no order, and side by side.
    if (source === 'scan' && known?.scan === scan && byDayNewestFirst(known.day, row.day) <= 0) return;
    if (known && areOfOneTime(known.n, row.place)) this.#update(known, row, wordsHash, scan);
    else {
      if (known) this.#erase(known);
      this.#insert(row, wordsHash, scan);
    }
  }

  #insert(row: IndexRow, wordsHash: string, scan: number): void {
    const { id, day, status, userId, labels, timing, listed, idempotencyKey } = row;
    const rest = [id, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan];
    let n = row.place;
    while (this.#statements.insert.run([n, ...rest]).changes === 0) n += 1n;
    if (row.state) this.#keepState(n, row.state);
    this.#addLabels(n, labels);
    if (row.words) this.#statements.addWords.run([n, row.words]);
  }

  #update(known: KnownRow, row: IndexRow, wordsHash: string, scan: number): void {
    const { n } = known;
    if (row.state) this.#keepState(n, row.state);
    else this.#statements.dropState.run([n]);
    const { day, status, userId, labels, timing, listed, idempotencyKey } = row;
    const now: KnownRow = { n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan };
    if ((Object.keys(now) as (keyof KnownRow)[]).every((name) => now[name] === known[name])) return;
    this.#statements.update.run([
      day,
      status,
      userId,
      labels,
      timing,
      listed,
      idempotencyKey,
      wordsHash,
      scan,
      n,
    ]);
    if (labels !== known.labels) {
      this.#dropLabels(n, known.labels);
      this.#addLabels(n, labels);
    }
    if (wordsHash === known.wordsHash) return;
    if (known.wordsHash) this.#statements.dropWords.run([n]);
    if (row.words) this.#statements.addWords.run([n, row.words]);
  }

  #erase({ n, labels, wordsHash }: KnownRow): void {
    this.#statements.remove.run([n]);
    this.#statements.dropState.run([n]);
    this.#dropLabels(n, labels);
    if (wordsHash) this.#statements.dropWords.run([n]);
  }

  #keepState(n: bigint, { day, length, whole, text, sha256 }: KeptState): void {
    this.#statements.keepState.run([n, day, length, whole.log, whole.view, text, sha256]);
  }

  #addLabels(n: bigint, labels: string): void {
    for (const [key, value] of labelsIn(labels)) this.#statements.addLabel.run([key, value, n]);
  }

  #dropLabels(n: bigint, labels: string): void {
    for (const [key, value] of labelsIn(labels)) this.#statements.dropLabel.run([key, value, n]);
  }

  #find(id: string): KnownRow | undefined {
    const row = this.#statements.find.get([id]) as
      | [bigint, string, string, string | null, string, string, string, string | null, string, bigint]
      | undefined;
    if (!row) return undefined;
    const [n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan] = row;
    return { n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan: Number(scan) };
  }
}

/** Whether an error of the driver says that the index is damaged, or gone. */
export function isDamage(error: unknown): boolean {
  return DAMAGED.test((error as { code?: string }).code ?? '');
}

function syncNow(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function labelsIn(labels: string): [string, string][] {
  return labels === '{}' ? [] : Object.entries(JSON.parse(labels));
}

function connect(path: string): Database.Database {
  const database = new Database(path);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
