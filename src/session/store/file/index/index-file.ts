/**
 * The index at its path: opened, or made anew where it is missing, damaged or cannot be written. Whoever reads or writes
 * does so through this, so that damage that shows later is mended in the same way.
 */

import { existsSync } from 'node:fs';
import { isSessionError, StoreOpenError, StoreUnavailableError } from '../../../domain/errors.js';
import { CORRUPTED } from '../../../domain/session-document.js';
import type { LastStop } from '../store-folder.js';
import { type About, damageOf, IndexDatabase } from './index-database.js';
import { IndexReaders } from './index-reader.js';

export interface IndexFileOptions {
  /** Path of the index file. */
  readonly path: string;
  readonly storeId: string;
  /** After a power cut, and where nobody knows what happened, an index at this path was to be deleted: it was not synced. */
  readonly lastStop: LastStop;
  /** Whether threads of their own answer questions. */
  readonly threads: boolean;
}

/** What an index knows that a start needs. */
interface Left {
  /** The sessions that had a write under way when the last process was stopped. */
  readonly underWay: readonly string[];
  /** The sessions that cannot be read. */
  readonly corrupted: readonly string[];
}

/** Told when the index was damaged, and begins anew: what has to be in it from its first moment on is put in by this. */
export type WhenAnew = (database: IndexDatabase, cause: unknown) => void;

const NOTHING_LEFT: Left = { underWay: [], corrupted: [] };

export class IndexFile {
  readonly #readers: IndexReaders;
  #whenAnew: WhenAnew = () => undefined;

  private constructor(
    private readonly options: IndexFileOptions,
    private database: IndexDatabase,
    private state: About,
    readonly left: Left,
  ) {
    this.#readers = new IndexReaders(options.path, options.threads);
  }

  /** @throws StoreOpenError */
  static open(options: IndexFileOptions): IndexFile {
    const { path, storeId, lastStop } = options;
    const kept = openKept(path, storeId);
    const settled = lastStop === 'clean' || lastStop === 'power' || (kept?.about.settled ?? false);
    const about = { complete: false, scan: 0, ...kept?.about, settled };
    try {
      const database = kept?.database ?? IndexDatabase.makeAnew(path, storeId, about);
      return new IndexFile(options, database, about, kept?.left ?? NOTHING_LEFT);
    } catch (error) {
      const why = (error as { code?: string }).code ?? String(error);
      const message = `The index ${path} cannot be made (${why}): check the disk and its permissions`;
      throw new StoreOpenError('not_writable', message, error);
    }
  }

  /** Who is told from now on. */
  serve(whenAnew: WhenAnew): void {
    this.#whenAnew = whenAnew;
  }

  get about(): About {
    return this.state;
  }

  /** @throws StoreUnavailableError */
  note(changes: Partial<About>): void {
    this.state = { ...this.state, ...changes };
    this.writing((database) => database.note(this.state));
  }

  /** Writes, also where the index turns out to be damaged: to the new one then. @throws StoreUnavailableError */
  writing(write: (database: IndexDatabase) => void): void {
    try {
      write(this.#opened());
    } catch (error) {
      if (!this.#isDamage(error)) throw unavailable(error);
      this.beginAnew(error);
      write(this.database);
    }
  }

  /** @throws StoreUnavailableError also where the index turns out to be damaged: a new one has no answers yet */
  reading<T>(read: (database: IndexDatabase) => T): T {
    try {
      return read(this.#opened());
    } catch (error) {
      if (this.#isDamage(error)) this.beginAnew(error);
      throw unavailable(error);
    }
  }

  /** As `reading`, of those who answer longer questions. */
  async asking<T>(ask: (readers: IndexReaders) => Promise<T>): Promise<T> {
    try {
      this.#opened();
      return await ask(this.#readers);
    } catch (error) {
      if (this.#isDamage(error)) this.beginAnew(error);
      else void this.#readers.close();
      throw unavailable(error);
    }
  }

  /** An empty index in the place of the one that there is. @throws StoreUnavailableError */
  beginAnew(cause: unknown): void {
    const { path, storeId } = this.options;
    void this.#readers.close();
    this.database.abandon();
    this.state = { complete: false, settled: this.state.settled, scan: 0 };
    try {
      this.database = IndexDatabase.makeAnew(path, storeId, this.state);
    } catch (error) {
      throw unavailable(error);
    }
    this.#whenAnew(this.database, cause);
  }

  /** Begins anew where somebody took the file away, and the store goes on with one that nobody else sees. @throws StoreUnavailableError */
  renewIfGone(): void {
    if (this.#opened().isGone) this.beginAnew(new Error('its file was taken away'));
  }

  /** Nobody asks any more. */
  closeReaders(): Promise<void> {
    return this.#readers.close();
  }

  /** Leaves one file with all in it, durably. */
  close(): void {
    this.database.close();
  }

  /** Lets go of it as it is. */
  async abandon(): Promise<void> {
    await this.#readers.close();
    this.database.abandon();
  }

  /** Where an earlier attempt to begin anew failed there is none: this is the next attempt. */
  #opened(): IndexDatabase {
    if (!this.database.isOpen) this.beginAnew(new Error('the index could not be made anew before'));
    return this.database;
  }

  /** A file that cannot be opened is damaged when it is gone; else the process has too many open, or the like. */
  #isDamage(error: unknown): boolean {
    const damage = damageOf(error);
    return damage === 'unopened' ? !existsSync(this.options.path) : damage !== undefined;
  }
}

/** An index that is there, can be written, and tells what a start needs. */
function openKept(path: string, storeId: string) {
  const kept = IndexDatabase.openKept(path, storeId);
  try {
    kept?.database.assertWritable();
    return kept && { ...kept, left: leftIn(kept.database) };
  } catch {
    kept?.database.abandon();
    return undefined;
  }
}

function leftIn(database: IndexDatabase): Left {
  return { underWay: database.underWay(), corrupted: database.withStatus(CORRUPTED) };
}

function unavailable(error: unknown): Error {
  if (isSessionError(error)) return error;
  return new StoreUnavailableError('The store could not use its index', 'not_applied', error);
}
