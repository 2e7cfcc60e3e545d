/**
 * Reads the files of a session's folder as they stand: what is missing is no failure, what cannot be a file of ours is
 * damage of that session, and what the store could not read is the store's failure. Changes nothing.
 */

import type { Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { SessionCorruptedError, StoreUnavailableError } from '../../domain/errors.js';
import { LIMITS } from '../../domain/session-rules.js';
import type { FileSystem } from './durable-file.js';
import { EVENTS_FILE, VIEW_FILE } from './session-folders.js';

/** A file as it was read. */
export interface ReadFile {
  readonly bytes: Buffer;
  /**
   * From before it was read, so that of a file that is written to meanwhile this does not hold. Absent where it was changed
   * just then: a further change at the same time would not show.
   */
  readonly stamp: Stamp | undefined;
}

/** Which file something is, and since when it is as it is: another one after every change that the kernel knows of. */
export type Stamp = string;

/** The files of a session as they were. */
export interface Stamps {
  readonly log: Stamp;
  readonly view: Stamp;
}

/** How far apart changes are told apart, in milliseconds: by file systems that keep whole seconds, and by others. */
const COARSE_MS = 2_000;
const FINE_MS = 50;

/** A log is at most `LIMITS.logBytes`, and what a stopped write may have left behind it. */
const MAX_LOG_BYTES = 2 * LIMITS.logBytes;
/** A view, or a document of the Python component. Ours are smaller: see `renderView`. */
const MAX_VIEW_BYTES = 16 * 1024 * 1024;

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);
/** Failures that concern one session's files and no other's. */
const UNREADABLE = new Set(['EACCES', 'EPERM', 'EISDIR', 'ELOOP', 'ERR_FS_FILE_TOO_LARGE']);

/**
 * A session's log, or the bytes beside it that a recovery cut off.
 * @throws SessionCorruptedError | StoreUnavailableError
 */
export function readLogFile(
  files: FileSystem,
  id: string,
  folder: string,
  name = EVENTS_FILE,
): Promise<ReadFile | undefined> {
  return readIfThere(files, id, join(folder, name), MAX_LOG_BYTES);
}

/** @throws SessionCorruptedError | StoreUnavailableError */
export function readViewFile(files: FileSystem, id: string, folder: string): Promise<ReadFile | undefined> {
  return readIfThere(files, id, join(folder, VIEW_FILE), MAX_VIEW_BYTES);
}

/** Whether a session's files are what they were. One that cannot be looked at is not. */
export async function areUnchanged(files: FileSystem, folder: string, stamps: Stamps): Promise<boolean> {
  try {
    const log = await files.stat(join(folder, EVENTS_FILE));
    const view = await files.stat(join(folder, VIEW_FILE));
    return stampOf(log) === stamps.log && stampOf(view) === stamps.view;
  } catch {
    return false;
  }
}

/** With ctime, of which the kernel keeps book and which nobody can set; a folder that takes another's place brings other files. */
function stampOf({ dev, ino, size, ctimeMs }: Stats): Stamp {
  return `${dev}:${ino}:${size}:${ctimeMs}`;
}

function isSettled({ ctimeMs }: Stats): boolean {
  return Date.now() - ctimeMs > (ctimeMs % 1_000 === 0 ? COARSE_MS : FINE_MS);
}

/** Whether there is a folder. One that cannot be looked for says nothing about its session. */
export async function isFolder(files: FileSystem, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)).isDirectory();
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw new StoreUnavailableError('The store could not read', 'not_applied', error);
  }
}

/** Looks before it reads: a pipe in a file's place would be waited for without end, a huge file fill the memory. */
async function readIfThere(
  files: FileSystem,
  id: string,
  path: string,
  maxBytes: number,
): Promise<ReadFile | undefined> {
  try {
    const found = await files.stat(path);
    if (!found.isFile()) throw new SessionCorruptedError(id, `${basename(path)} is no regular file`);
    if (found.size > maxBytes)
      throw new SessionCorruptedError(id, `${basename(path)} is larger than ${maxBytes / 1024 ** 2} MiB`);
    const stamp = isSettled(found) ? stampOf(found) : undefined;
    return { bytes: await files.readFile(path), stamp };
  } catch (error) {
    if (error instanceof SessionCorruptedError) throw error;
    return absentOr(id, basename(path), error as NodeJS.ErrnoException);
  }
}

/** What is not there is no failure; every other failure is told as what it is. */
function absentOr(id: string, name: string, error: NodeJS.ErrnoException): undefined {
  const { code = '' } = error;
  if (ABSENT.has(code)) return undefined;
  if (UNREADABLE.has(code)) throw new SessionCorruptedError(id, `${name} cannot be read (${code})`, error);
  throw new StoreUnavailableError('The store could not read', 'not_applied', error);
}
