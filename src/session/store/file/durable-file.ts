/**
 * The durable primitives: every write of the file store that must survive a power cut is one of these.
 * Each states its system calls in order. Stands on a small file-system interface, so that a recording or a failing
 * one can be put under the store in tests. Imports nothing of the component.
 */

import type { Stats } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the store needs of a file system: functions as those of node:fs/promises by these names. */
export interface FileSystem
  extends Pick<
    typeof promises,
    'mkdir' | 'opendir' | 'readdir' | 'readFile' | 'rename' | 'rm' | 'stat' | 'statfs' | 'writeFile'
  > {
  open(path: string, flags?: string | number, mode?: number): Promise<OpenFile>;
}

/** What it needs of an open file: as the FileHandle of node:fs/promises. */
export interface OpenFile {
  readonly fd: number;
  write(
    content: Uint8Array,
    from: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  stat(): Promise<Pick<Stats, 'size' | 'ino' | 'dev'>>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A sync failed. The kernel may have dropped the pages: nobody knows what is on the disk, and it is never retried. */
export class SyncFailedError extends Error {
  constructor(path: string, cause: unknown) {
    super(`sync of ${path} failed`, { cause });
    this.name = 'SyncFailedError';
  }
}

/** A file did not have the length that its one writer left it with. */
export class UnexpectedLengthError extends Error {
  constructor(path: string, expected: number, actual: number) {
    super(`${path} has ${actual} bytes, not ${expected}`);
    this.name = 'UnexpectedLengthError';
  }
}

/** Makes a new file and its content durable; the entry in its folder is not: sync that. open(wx), write…, fdatasync. */
export async function createFile(files: FileSystem, path: string, content: Uint8Array): Promise<void> {
  await withFile(files, path, 'wx', async (file) => {
    await writeAll(file, content, 0);
    await sync(path, () => file.datasync());
  });
}

/**
 * Appends to a file that has exactly `length` bytes, durably. open(r+), fstat, write…, fdatasync.
 * A write that fails is undone (ftruncate, fdatasync) before its error is thrown on.
 * @throws UnexpectedLengthError, SyncFailedError, or the system's error: then nothing was appended
 */
export async function appendToFile(
  files: FileSystem,
  path: string,
  length: number,
  content: Uint8Array,
): Promise<void> {
  await withFile(files, path, 'r+', async (file) => {
    const { size } = await file.stat();
    if (size !== length) throw new UnexpectedLengthError(path, length, size);
    try {
      await writeAll(file, content, length);
    } catch (error) {
      await file.truncate(length);
      await sync(path, () => file.datasync());
      throw error;
    }
    await sync(path, () => file.datasync());
  });
}

/**
 * Puts a file in place whole: old content or new, never a mixture. What is in place is durable, that it is in place is
 * not: sync the folder. unlink temporary, create it durably, rename.
 */
export async function placeFile(files: FileSystem, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await files.rm(temporary, { force: true });
  await createFile(files, temporary, content);
  await files.rename(temporary, path);
}

/**
 * Puts a file in place whole, for readers; not durable, so only for what can be made again. unlink temporary, write it
 * anew (through no link or pipe that lies there), rename.
 */
export async function replaceView(files: FileSystem, path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await files.rm(temporary, { force: true });
  await files.writeFile(temporary, content, { flag: 'wx' });
  await files.rename(temporary, path);
}

/** Makes what is in a file durable, whoever wrote it. open(r), fdatasync. */
export async function syncFile(files: FileSystem, path: string): Promise<void> {
  await withFile(files, path, 'r', (file) => sync(path, () => file.datasync()));
}

/** Makes the entries of a folder durable: what was made in it, renamed into it or taken from it. open, fsync. */
export async function syncFolder(files: FileSystem, path: string): Promise<void> {
  await withFile(files, path, 'r', (file) => sync(path, () => file.sync()));
}

/**
 * Makes a folder and every missing one above it, durably; whether it had to be made. mkdir, sync of the folder that got the entry.
 * Not mkdir's own `recursive`, which never returns where a file system answers ENOENT for good (/proc).
 */
export async function makeFolder(files: FileSystem, path: string): Promise<boolean> {
  const made = await makeOne(files, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || path === dirname(path)) throw error;
    await makeFolder(files, dirname(path));
    return makeOne(files, path);
  });
  if (made) await syncFolder(files, dirname(path));
  return made;
}

/** Whether the folder had to be made. */
async function makeOne(files: FileSystem, path: string): Promise<boolean> {
  try {
    await files.mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Syncs that are asked for from several places. Of a folder, one serves all who asked before it began; who asks while one
 * runs gets the next, since the running one may have missed its entry. When a sync of a file or a folder failed, all
 * later ones of it fail with it: another would report success for what the kernel may have dropped.
 */
export class SharedSyncs {
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #failed = new Map<string, SyncFailedError>();

  constructor(private readonly files: FileSystem) {}

  file(path: string): Promise<void> {
    return this.#unlessFailed(path, () => syncFile(this.files, path));
  }

  folder(path: string): Promise<void> {
    const next = this.#waiting.get(path) ?? this.#after(path, this.#running.get(path));
    this.#waiting.set(path, next);
    return next;
  }

  async #after(path: string, running: Promise<void> | undefined): Promise<void> {
    await running?.catch(() => undefined);
    const mine = this.#waiting.get(path) as Promise<void>;
    this.#waiting.delete(path);
    this.#running.set(path, mine);
    try {
      await this.#unlessFailed(path, () => syncFolder(this.files, path));
    } finally {
      if (this.#running.get(path) === mine) this.#running.delete(path);
    }
  }

  async #unlessFailed(path: string, sync: () => Promise<void>): Promise<void> {
    const failed = this.#failed.get(path);
    if (failed) throw failed;
    try {
      await sync();
    } catch (error) {
      if (error instanceof SyncFailedError) this.#failed.set(path, error);
      throw error;
    }
  }
}

async function withFile(
  files: FileSystem,
  path: string,
  flags: string,
  use: (file: OpenFile) => Promise<void>,
): Promise<void> {
  const file = await files.open(path, flags);
  try {
    await use(file);
  } finally {
    // What had to be durable was synced; close(2) frees the descriptor even when it reports an error.
    await file.close().catch(() => undefined);
  }
}

async function writeAll(file: OpenFile, content: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < content.length; ) {
    const { bytesWritten } = await file.write(content, written, content.length - written, position + written);
    if (bytesWritten === 0) throw new Error('the file system wrote nothing');
    written += bytesWritten;
  }
}

async function sync(path: string, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    throw new SyncFailedError(path, error);
  }
}
