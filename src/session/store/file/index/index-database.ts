/**
 * The index on the disk: rows of sessions put and taken away, the set of sessions with a write under way, what is known of
 * the days. A narrow interface over libsql; nothing else writes to it. Every call is synchronous and takes
 * microseconds to milliseconds.
 *
 * Nothing here is synced while it is open: after a power cut the index is made anew (see docs/STORAGE.md), and a kill
 * leaves what the kernel has.
 */

import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import type { KeptState } from '../kept-state.js';
import { IndexRows, type Source } from './index-rows.js';
import { INDEX_FORMAT, type IndexRow, SCHEMA } from './index-schema.js';
import { prepareStatements, type Statements } from './index-statements.js';

/** What the index says of itself. */
export interface About {
  /** Whether it has a row of every session. */
  readonly complete: boolean;
  /** Whether what is in the folders is known to be durable, but for the sessions with a write under way. */
  readonly settled: boolean;
  /** Number of the latest taking of stock: rows that it has not seen are of another one. */
  readonly scan: number;
}

/** Some of the rows. */
export interface Part {
  /** Of this day folder; absent: of all. */
  readonly day: string | undefined;
  /** From this place on. */
  readonly from: bigint;
  readonly limit: number;
}

export interface Unseen {
  readonly sessions: readonly { readonly id: string; readonly day: string }[];
  /** Where to go on; null at the end. */
  readonly next: bigint | null;
}

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB|FORMAT|CONSTRAINT)/;
/** Pages of the index that are kept in memory, in KiB. */
const CACHE_KIB = 16_384;
/** How many rows that nobody waits for are written together: that takes some tens of milliseconds. */
const PUT_TOGETHER = 4_000;
/** After how many pages of the write-ahead log they go into the index. */
const CHECKPOINT_PAGES = 4_000;

export class IndexDatabase {
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #rows: IndexRows;
  readonly #file: string | undefined;
  /** How many rows of `putLater` wait to be committed. */
  #later = 0;

  private constructor(
    private readonly path: string,
    database: Database.Database,
  ) {
    this.#file = fileAt(path);
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#rows = new IndexRows(this.#statements);
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

  /** Whether somebody took the file away, or put another one in its place: this one goes on, and nobody else sees it. */
  get isGone(): boolean {
    return fileAt(this.path) !== this.#file;
  }

  /** @throws the driver's error where the file is another user's, or the disk is one that cannot be written */
  assertWritable(): void {
    this.#begin();
    try {
      this.#database.exec('UPDATE about SET format = format');
    } finally {
      this.#rollBack();
    }
  }

  /** An empty index in the place of whatever is there. @throws the driver's error */
  static makeAnew(path: string, storeId: string, about: About): IndexDatabase {
    IndexDatabase.delete(path);
    const database = connect(path);
    try {
      database.exec(`BEGIN; ${SCHEMA}`);
      database.prepare('INSERT INTO about VALUES (?, ?, 0, 0, 0)').run(INDEX_FORMAT, storeId);
      database.exec('COMMIT');
      const made = new IndexDatabase(path, database);
      made.note(about);
      return made;
    } catch (error) {
      database.close();
      throw error;
    }
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
  putLater(rows: readonly IndexRow[], source: Source): void {
    try {
      if (!this.#database.inTransaction) this.#begin();
      this.put(rows, source);
      this.#later += rows.length;
      if (this.#later >= PUT_TOGETHER) this.#commit();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** Puts rows in, by their places: the search index takes that four times as fast. */
  put(rows: readonly IndexRow[], source: Source): void {
    const ordered = [...rows].sort((left, right) => (left.place < right.place ? -1 : 1));
    for (const row of ordered) this.#rows.put(row, source);
  }

  remove(id: string): void {
    this.#rows.remove(id);
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
    const row = this.#statements.keptState.get([id]) as [number, string, string, string, string] | undefined;
    if (!row) return undefined;
    const [length, log, view, text, sha256] = row;
    return { length, whole: { log, view }, text, sha256 };
  }

  withStatus(status: string): string[] {
    const read = this.#database.prepare('SELECT id FROM session WHERE status = ?').raw();
    return read.all(status).map((row) => (row as [string])[0]);
  }

  /** The latest session that was made with this idempotency key, at this place or later. */
  findKey(key: string, from: bigint): string | undefined {
    return (this.#statements.findKey.get([key, from]) as [string] | undefined)?.[0];
  }

  /** Of `limit` rows of a day, or of all, from a place on: those that this taking of stock has not seen. */
  unseen(scan: number, { day, from, limit }: Part): Unseen {
    const { allFrom, ofDayFrom } = this.#statements;
    const found = day === undefined ? allFrom.all([from, limit]) : ofDayFrom.all([day, from, limit]);
    const rows = found as [bigint, string, string, bigint][];
    const last = rows.at(-1);
    return {
      sessions: rows.filter((row) => Number(row[3]) !== scan).map(([, id, day]) => ({ id, day })),
      next: last && rows.length === limit ? last[0] + 1n : null,
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
    if (this.isOpen && this.#database.inTransaction) this.#database.exec('COMMIT');
    this.#later = 0;
  }

  #rollBack(): void {
    if (this.isOpen && this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#later = 0;
  }
}

/** What an error says of the index: that what is in it makes no sense, that its file could not be opened, or nothing. */
export function damageOf(error: unknown): 'content' | 'unopened' | undefined {
  const code = (error as { code?: string }).code ?? '';
  if (DAMAGED.test(code)) return 'content';
  return code.startsWith('SQLITE_CANTOPEN') ? 'unopened' : undefined;
}

/** Which file is there: its number is not given to another one while it is open. */
function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}/${found.ino}`;
}

function syncNow(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
