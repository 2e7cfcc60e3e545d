/**
 * How the command line asks for a reindex, of whoever has the folder open: be that another process or itself.
 *
 * The one who asks makes a file `.store/reindex` that holds a word of its own. The process that has the folder takes that
 * word over into `.store/reindex.taken`, and out of there once it took stock of everything from after that on. So the word is
 * in one of the two files until it is answered, and stays there when a process ends before: the next one finds it.
 */

import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STORE_FOLDER } from '../store-format.js';
import { IndexDatabase } from './index-database.js';
import { indexPath } from './index-schema.js';

const REQUEST_FILE = 'reindex';
const TAKEN_FILE = 'reindex.taken';
const WORD_LENGTH = randomUUID().length;
/** A file that is no older, in milliseconds, may not have its word yet. */
const WRITING_MS = 1_000;

const requestIn = (root: string) => join(root, STORE_FOLDER, REQUEST_FILE);
const takenIn = (root: string) => join(root, STORE_FOLDER, TAKEN_FILE);

/** What became of a request: nobody has seen it, somebody has, or all is done. */
export type RequestState = 'waits' | 'taken' | 'answered';

/** One request, as the one who asks has it. */
export class ReindexRequest {
  readonly #word = randomUUID();
  #isMade = false;

  constructor(private readonly root: string) {}

  get isMade(): boolean {
    return this.#isMade;
  }

  /** Asks, if it has not yet; not while another request waits. @throws the system's error */
  make(): void {
    const path = requestIn(this.root);
    if (this.#isMade || isFile(path)) return;
    try {
      writeFileSync(path, this.#word, { flag: 'wx' });
      this.#isMade = true;
    } catch (error) {
      const another = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (another && isFile(path)) return;
      // What is not written as a whole is nobody's request.
      if (!another) rmSync(path, { force: true });
      throw error;
    }
  }

  get state(): RequestState {
    // In this order: a word is in the second file before it is gone from the first.
    if (!this.#isMade || textIn(requestIn(this.root)) === this.#word) return 'waits';
    return wordsIn(takenIn(this.root)).includes(this.#word) ? 'taken' : 'answered';
  }

  /** Nobody need answer any more; what was taken is answered nevertheless. */
  withdraw(): void {
    if (this.#isMade && textIn(requestIn(this.root)) === this.#word)
      rmSync(requestIn(this.root), { force: true });
  }
}

/** What was asked of the process that has the folder. Only that one may use this. */
export class ReindexRequests {
  readonly #owed = new Set<string>();
  #isRead = false;
  /** Whether the file says something else than what is owed. */
  #isLate = false;
  #told: string | undefined;

  constructor(
    private readonly root: string,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {}

  /** Whether somebody asked since it was looked last, be it a process that is no more. */
  hear(): boolean {
    const before = this.#owed.size;
    try {
      if (!this.#isRead) this.#readTaken();
      if (this.#isLate) this.#write();
      this.#take();
      this.#told = undefined;
    } catch (error) {
      this.#warnOnce(error);
    }
    return this.#owed.size > before;
  }

  /** Who waits. */
  get owed(): readonly string[] {
    return [...this.#owed];
  }

  /** Tells these that all is done. */
  answer(words: readonly string[]): void {
    if (words.length === 0) return;
    for (const word of words) this.#owed.delete(word);
    this.#isLate = true;
    try {
      this.#write();
    } catch (error) {
      this.#warnOnce(error);
    }
  }

  #readTaken(): void {
    for (const word of wordsIn(takenIn(this.root))) this.#owed.add(word);
    this.#isRead = true;
  }

  #take(): void {
    const path = requestIn(this.root);
    if (!existsSync(path)) return;
    const { size, mtimeMs } = lstatSync(path);
    if (!isFile(path)) throw new Error(`${path} is no file`);
    if (size !== WORD_LENGTH && Math.abs(Date.now() - mtimeMs) < WRITING_MS) return;
    // Made by hand, it has no word that anybody waits for.
    const word = size === WORD_LENGTH ? readFileSync(path, 'utf8') : randomUUID();
    this.#owed.add(word);
    try {
      this.#write();
      rmSync(path);
    } catch (error) {
      // It is still there: answered now, it would be heard again and again.
      this.#owed.delete(word);
      this.#isLate = true;
      throw error;
    }
  }

  /** In one step: a word that is owed is there at every moment. */
  #write(): void {
    const path = takenIn(this.root);
    if (this.#owed.size === 0) rmSync(path, { force: true });
    else {
      writeFileSync(`${path}.tmp`, [...this.#owed].join('\n'));
      renameSync(`${path}.tmp`, path);
    }
    this.#isLate = false;
  }

  /** It is looked at every second. */
  #warnOnce(error: unknown): void {
    const message = String(error);
    if (message === this.#told) return;
    this.#told = message;
    this.warn('what asks for a reindex cannot be answered', error);
  }
}

/** Whether somebody waits for a reindex that is under way, or will be. */
export function isAnyTaken(root: string): boolean {
  return wordsIn(takenIn(root)).length > 0;
}

/** How many sessions there are as the index says, and whether it has all; `undefined` when there is none to ask. */
export function askIndex(
  root: string,
  storeId: string,
): { readonly sessions: number; readonly complete: boolean } | undefined {
  const kept = IndexDatabase.openKept(indexPath(root), storeId);
  if (!kept) return undefined;
  const { about, database } = kept;
  const sessions = database.count();
  database.abandon();
  return { sessions, complete: about.complete };
}

/** What is no file, a pipe such as that, could keep its reader waiting for ever. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function textIn(path: string): string | undefined {
  try {
    return isFile(path) ? readFileSync(path, 'utf8') : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function wordsIn(path: string): string[] {
  return (textIn(path) ?? '').split('\n').filter((word) => word !== '');
}
