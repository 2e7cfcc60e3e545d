/**
 * Opening a data folder for writing: that it is there, can be written to, lies on a local disk, is of our format,
 * and is held by nobody else. Everything that can be wrong with it is one line that says what to do.
 */

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { printable, StoreOpenError } from '../../domain/errors.js';
import { refuseHalfCopied } from './copy-mark.js';
import { type FileSystem, makeFolder, type OpenFile } from './durable-file.js';
import { ifAbsent, makeStoreId, parseObject, readStoreId, STORE_FOLDER } from './store-format.js';

export const LOCK_FILE = 'lock';

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

/**
 * How whoever held the folder last came to let go of it.
 * - `clean`: it was closed.
 * - `kill`: the process ended; the system runs since then, and has what was written.
 * - `power`: the system was started since then: what is on the disk is all there is, and durable.
 * - `unknown`: what was written last may not be durable. So with the copy of a folder that was in use.
 */
export type LastStop = 'clean' | 'kill' | 'power' | 'unknown';

export interface StoreFolder {
  /** Names this store in the first link of every chain. */
  readonly storeId: string;
  readonly lastStop: LastStop;
  /**
   * Whether the lock is still the one at its place. Who deletes or replaces it lets a second writer in, which the
   * kernel cannot know.
   */
  isHeld(): Promise<boolean>;
  /** Lets go of the folder. `clean`: all that was written is durable. Safe to call twice. */
  release(clean: boolean): Promise<void>;
}

export interface StoreFolderOptions {
  readonly allowNetworkFilesystem: boolean;
  /** Deletes the index, which is not to be relied on. */
  readonly forgetIndex: () => void;
  /** Whether it is opened to be copied into: nobody else opens it while that is not finished. */
  readonly asCopy?: boolean;
}

/** @throws StoreOpenError whose message is the line for the operator */
export async function openStoreFolder(
  files: FileSystem,
  root: string,
  options: StoreFolderOptions,
): Promise<StoreFolder> {
  const folder = join(root, STORE_FOLDER);
  await writable(root, () => makeFolder(files, root));
  if (!options.allowNetworkFilesystem) await refuseNetworkFilesystem(files, root);
  await writable(root, () => makeFolder(files, folder));
  const flags = constants.O_RDWR | constants.O_CREAT;
  const lock = await writable(root, () => files.open(join(folder, LOCK_FILE), flags));
  try {
    await takeLock(files, lock, join(folder, LOCK_FILE), root);
    if (!options.asCopy) await writable(root, () => refuseHalfCopied(files, root));
    const lastStop = await writable(root, () => lastStopOf(files, lock, join(folder, LOCK_FILE)));
    const storeId = await writable(
      root,
      async () => (await readStoreId(files, root)) ?? (await makeStoreId(files, root)),
    );
    // Before the note says that this process had the folder: the next start would take for its work what is not.
    if (lastStop === 'power' || lastStop === 'unknown')
      await writable(root, async () => options.forgetIndex());
    await writable(root, () => noteHolder(lock));
    const isHeld = () => isSameFile(files, lock, join(folder, LOCK_FILE));
    return { storeId, lastStop, isHeld, release: (clean) => release(lock, clean) };
  } catch (error) {
    // What went wrong first is told.
    await lock.close().catch(() => undefined);
    throw error;
  }
}

/** Whether some process has the folder open. Needs no right to write there, and changes nothing. */
export function isHeld(root: string): boolean {
  const path = join(root, STORE_FOLDER, LOCK_FILE);
  let lock: number;
  try {
    lock = openSync(path, 'r');
  } catch (error) {
    ifAbsent(error as NodeJS.ErrnoException);
    return false;
  }
  try {
    return !tryLock(lock, { shared: true });
  } finally {
    // With it goes the lock, if it was got.
    closeSync(lock);
  }
}

/** The note in the lock file is for the error message, and a note without a lock tells of an unclean stop. */
async function noteHolder(lock: OpenFile): Promise<void> {
  const { dev: device, ino: inode } = await lock.stat();
  const since = new Date().toISOString();
  const holder = { pid: process.pid, host: hostname(), since, boot: bootId(), device, inode };
  const note = Buffer.from(`${JSON.stringify(holder)}\n`);
  // Never empty in between: an empty note would tell of a clean stop.
  await lock.write(note, 0, note.length, 0);
  await lock.truncate(note.length);
  await lock.sync();
}

/** Only a file that is not there was taken away: one that cannot be looked at just now may well be. */
async function isSameFile(files: FileSystem, lock: OpenFile, path: string): Promise<boolean> {
  const [held, found] = await Promise.all([lock.stat(), files.stat(path).catch(ifAbsent)]);
  return found !== undefined && found.ino === held.ino && found.dev === held.dev;
}

async function release(lock: OpenFile, clean: boolean): Promise<void> {
  if (lock.fd < 0) return;
  try {
    if (clean) await lock.truncate(0).then(() => lock.sync());
  } catch (error) {
    // Not known to be durable, so it must not read as a clean stop.
    await noteHolder(lock).catch(() => undefined);
    throw error;
  } finally {
    // close(2) frees the descriptor, and with it the lock, whatever it reports.
    await lock.close().catch(() => undefined);
  }
}

async function takeLock(files: FileSystem, lock: OpenFile, path: string, root: string): Promise<void> {
  if (tryLock(lock.fd)) return;
  const note = await files.readFile(path, 'utf8').catch(() => '');
  if (pidOf(note) === process.pid)
    throw new StoreOpenError(
      'held',
      `The data folder ${root} is open in this process (${process.pid}) already: open it once (in Nest: SessionModule.forRoot in one place, with isGlobal: true), or choose another folder`,
    );
  throw new StoreOpenError(
    'held',
    `The data folder ${root} is held by ${holder(note)}: one process at a time writes to a folder; stop that one, or choose another folder (DATA_SESSIONS_PATH); servers that share their sessions keep them in PostgreSQL (STORE=postgres)`,
  );
}

function pidOf(note: string): unknown {
  return parseObject(note)?.pid;
}

function holder(note: string): string {
  const { pid, host, since } = parseObject(note) ?? {};
  return pid === undefined ? 'another process' : printable(`process ${pid} on ${host} since ${since}`);
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

/** What the note in the lock file tells. That of a copied folder names another file than it stands in. */
async function lastStopOf(files: FileSystem, lock: OpenFile, path: string): Promise<LastStop> {
  const { size, dev, ino } = await lock.stat();
  if (size === 0) return 'clean';
  const { boot, device, inode } = parseObject(await files.readFile(path, 'utf8')) ?? {};
  const now = bootId();
  if (typeof boot !== 'string' || now === undefined) return 'unknown';
  if (device !== dev || inode !== ino) return 'unknown';
  return boot === now ? 'kill' : 'power';
}

/** Another one each time the system is started; Linux has it. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
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
