/**
 * Opening a data folder for writing: that it is there, can be written to, lies on a local disk, is of our format,
 * and is held by nobody else. Everything that can be wrong with it is one line that says what to do.
 */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { StoreOpenError } from '../../domain/errors.js';
import { isJsonObject } from '../../domain/json.js';
import { type FileSystem, makeFolder, placeFile, syncFolder } from './durable-file.js';
import { EVENTS_FILE, SessionFolders } from './session-folders.js';

const STORE_FOLDER = '.store';
const FORMAT_FILE = 'format.json';
const LOCK_FILE = 'lock';
const FORMAT = 1;
const MAX_FORMAT_BYTES = 64 * 1024;

/** `statfs` types whose locks, renames or syncs are another machine's, so that our promises cannot be kept. */
const NETWORK_FILESYSTEMS: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  1702057286: 'FUSE',
  16914839: '9P',
  12805120: 'Ceph',
  1397113167: 'AFS',
  198183888: 'Lustre',
  18225520: 'GFS2',
  1952539503: 'OCFS2',
  1196443219: 'GPFS',
  428016422: 'BeeGFS',
};

export interface StoreFolder {
  /** Names this store in the first link of every chain. */
  readonly storeId: string;
  /** Whether whoever held the folder last closed it; if not, what it wrote last may not be durable. */
  readonly closedCleanly: boolean;
  /**
   * Whether the lock is still the one at its place. Who deletes or replaces it lets a second writer in, which the
   * kernel cannot know.
   */
  isHeld(): Promise<boolean>;
  /** Lets go of the folder. `clean`: all that was written is durable. Safe to call twice. */
  release(clean: boolean): Promise<void>;
}

/** @throws StoreOpenError whose message is the line for the operator */
export async function openStoreFolder(
  files: FileSystem,
  root: string,
  options: { readonly allowNetworkFilesystem: boolean },
): Promise<StoreFolder> {
  const folder = join(root, STORE_FOLDER);
  await writable(root, () => makeFolder(files, root));
  if (!options.allowNetworkFilesystem) await refuseNetworkFilesystem(files, root);
  await writable(root, () => makeFolder(files, folder));
  const flags = constants.O_RDWR | constants.O_CREAT;
  const lock = await writable(root, () => files.open(join(folder, LOCK_FILE), flags));
  try {
    await takeLock(files, lock, join(folder, LOCK_FILE), root);
    const closedCleanly = (await lock.stat()).size === 0;
    const storeId = await readFormat(files, root, folder);
    await writable(root, () => noteHolder(lock));
    const isHeld = () => isSameFile(files, lock, join(folder, LOCK_FILE));
    return { storeId, closedCleanly, isHeld, release: (clean) => release(lock, clean) };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** The note in the lock file is for the error message, and a note without a lock tells of an unclean stop. */
async function noteHolder(lock: FileHandle): Promise<void> {
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const note = Buffer.from(`${JSON.stringify(holder)}\n`);
  // Never empty in between: an empty note would tell of a clean stop.
  await lock.write(note, 0, note.length, 0);
  await lock.truncate(note.length);
  await lock.sync();
}

async function isSameFile(files: FileSystem, lock: FileHandle, path: string): Promise<boolean> {
  const [held, found] = await Promise.all([lock.stat(), files.stat(path).catch(() => undefined)]);
  return found !== undefined && found.ino === held.ino && found.dev === held.dev;
}

async function release(lock: FileHandle, clean: boolean): Promise<void> {
  if (lock.fd < 0) return;
  try {
    if (clean) await lock.truncate(0).then(() => lock.sync());
  } catch (error) {
    // Not known to be durable, so it must not read as a clean stop.
    await noteHolder(lock).catch(() => undefined);
    throw error;
  } finally {
    await lock.close();
  }
}

async function takeLock(files: FileSystem, lock: FileHandle, path: string, root: string): Promise<void> {
  if (tryLock(lock.fd)) return;
  const note = await files.readFile(path, 'utf8').catch(() => '');
  if (pidOf(note) === process.pid)
    throw new StoreOpenError(
      'held',
      `The data folder ${root} is open in this process (${process.pid}) already: open it once (in Nest: SessionModule.forRoot in one place, with isGlobal: true), or choose another folder`,
    );
  throw new StoreOpenError(
    'held',
    `The data folder ${root} is held by ${holder(note)}: one process at a time writes to a folder; stop that one, or choose another folder (DATA_SESSIONS_PATH)`,
  );
}

function pidOf(note: string): unknown {
  return parseObject(note)?.pid;
}

function holder(note: string): string {
  const { pid, host, since } = parseObject(note) ?? {};
  return pid === undefined ? 'another process' : `process ${pid} on ${host} since ${since}`;
}

async function refuseNetworkFilesystem(files: FileSystem, root: string): Promise<void> {
  const { type } = await writable(root, () => files.statfs(root));
  // Some types have the sign bit set, and come as negative numbers on some platforms.
  const name = NETWORK_FILESYSTEMS[Number(type) >>> 0];
  if (name === undefined) return;
  throw new StoreOpenError(
    'network_filesystem',
    `The data folder ${root} is on a network filesystem (${name}), whose locks and syncs cannot be relied on: choose a folder on a local disk (DATA_SESSIONS_PATH), or accept that (ALLOW_NETWORK_FILESYSTEM=true)`,
  );
}

/** The store's id, from format.json; a new folder gets one. */
async function readFormat(files: FileSystem, root: string, folder: string): Promise<string> {
  const path = join(folder, FORMAT_FILE);
  if (await writable(root, () => isThere(files, path)))
    return checkFormat(root, path, await readText(files, root, path));
  await writable(root, () => refuseLogsWithoutFormat(files, root, path));
  const storeId = randomUUID();
  const format = { format: FORMAT, store_id: storeId, created_at: new Date().toISOString() };
  await writable(root, () => placeFile(files, path, Buffer.from(`${JSON.stringify(format)}\n`)));
  await writable(root, () => syncFolder(files, folder));
  return storeId;
}

function checkFormat(root: string, path: string, text: string): string {
  const format = parseObject(text);
  if (format?.format === FORMAT && typeof format.store_id === 'string' && format.store_id)
    return format.store_id;
  const found = describeFormat(format);
  throw new StoreOpenError(
    'unknown_format',
    `The data folder ${root} is not one that this version can open: ${path} ${found}, and this version knows format ${FORMAT}; use the version that wrote it, or restore that file from a backup`,
  );
}

function describeFormat(format: Record<string, unknown> | undefined): string {
  if (format?.format === undefined) return 'cannot be read';
  return format.format === FORMAT ? 'lacks its store_id' : `names format ${String(format.format)}`;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Under a new store id no log of an old one would verify: without its format.json a store stays closed. */
async function refuseLogsWithoutFormat(files: FileSystem, root: string, path: string): Promise<void> {
  const folders = new SessionFolders(files, root);
  for (const day of await folders.days()) {
    for (const entry of await folders.sessionsOf(day)) {
      if (!(await isThere(files, join(folders.path(entry), EVENTS_FILE)))) continue;
      throw new StoreOpenError(
        'unknown_format',
        `The data folder ${root} holds sessions and has lost ${path}, which their trails are bound to: restore that file from a backup`,
      );
    }
  }
}

/** A pipe in the file's place would be waited for without end: it reads as nothing. */
async function readText(files: FileSystem, root: string, path: string): Promise<string> {
  return writable(root, async () => {
    const found = await files.stat(path);
    return found.isFile() && found.size < MAX_FORMAT_BYTES ? files.readFile(path, 'utf8') : '';
  });
}

async function isThere(files: FileSystem, path: string): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function writable<T>(root: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof StoreOpenError) throw error;
    throw notWritable(root, error as NodeJS.ErrnoException);
  }
}

function notWritable(root: string, error: NodeJS.ErrnoException): StoreOpenError {
  if (error.code === 'ENOTDIR')
    return new StoreOpenError(
      'not_writable',
      `The data folder ${root} is not a folder, or lies in something that is none: choose another one (DATA_SESSIONS_PATH)`,
      error,
    );
  const why = error.code ?? error.message;
  return new StoreOpenError(
    'not_writable',
    `The data folder ${root} cannot be written to (${why}): give this user write access to it, or choose another folder (DATA_SESSIONS_PATH)`,
    error,
  );
}
