/**
 * Makes a data folder full of sessions: looks whether there is room, holds the folder's lock as a server would, lets one
 * thread for each processor write days, and makes all of it durable with one sync at the end.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { CommandError } from '../../dist/cli/command-error.js';
import { indexPath } from '../../dist/session/store/file/index/index-schema.js';
import { SessionIndex } from '../../dist/session/store/file/index/session-index.js';
import { openStoreFolder } from '../../dist/session/store/file/store-folder.js';
import { systemFiles } from '../../dist/session/store/file/system-files.js';
import { type Note, type Plan, readNote, writeNote } from './plan.js';
import { runThreads } from './threads.js';

/** On ext4: a folder and its two files are a block of 4 KiB each, and every other log is longer than one. */
const BYTES_PER_SESSION = 15_000;
const INODES_PER_SESSION = 3;
/** How much room is to be left for everybody else. */
const RESERVE_BYTES = 1024 ** 3;

export interface Seeded {
  /** Until all was written, and until all was on the disk. */
  readonly writtenMs: number;
  readonly durableMs: number;
}

/** @throws CommandError where the folder or the disk will not do */
export async function seed(root: string, plan: Plan, options: { continue: boolean }): Promise<Seeded> {
  const before = options.continue ? begunIn(root, plan) : undefined;
  if (!before) {
    refuseUsed(root);
    refuseSmall(root, plan.sessions);
    mkdirSync(root, { recursive: true });
  }
  const holding = await openStoreFolder(systemFiles, root, {
    allowNetworkFilesystem: false,
    forgetIndex: () => undefined,
  });
  let durable = false;
  try {
    // It knows nothing of what is made here.
    SessionIndex.delete(indexPath(root));
    const begun = performance.now();
    writeNote(root, { ...plan, complete: false });
    const task = { root, storeId: holding.storeId, plan, continued: before !== undefined };
    await runThreads(new URL('./day-writer.js', import.meta.url), task);
    const writtenMs = performance.now() - begun;
    await syncFilesystem(root);
    writeNote(root, { ...plan, complete: true });
    durable = true;
    return { writtenMs, durableMs: performance.now() - begun };
  } finally {
    // A lock that is let go of otherwise has the next start look after what may not be on the disk.
    await holding.release(durable);
  }
}

/** syncfs(2), which node does not have: one for all, where a sync of each session would take hours. */
async function syncFilesystem(root: string): Promise<void> {
  process.stderr.write('all written; waiting until it is on the disk\n');
  await promisify(execFile)('sync', ['--file-system', root]);
}

/** What is there of the same plan; nothing where the folder is new. */
function begunIn(root: string, plan: Plan): Note | undefined {
  const note = readNote(root);
  if (!note) return undefined;
  const { sessions, days, seed, until } = note;
  const same = sessions === plan.sessions && days === plan.days && seed === plan.seed;
  if (same && until === plan.until) return note;
  throw new CommandError(
    `${root} was begun with --sessions ${sessions} --days ${days} --seed ${seed} --until ${until}: continue it with these, or choose another --path`,
  );
}

function refuseUsed(root: string): void {
  if (entriesOf(root).length > 0)
    throw new CommandError(
      `${root} is not empty: choose another --path, or go on with what an interrupted run left there (--continue)`,
    );
}

function entriesOf(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function refuseSmall(root: string, sessions: number): void {
  const { bavail, bsize, ffree } = statfsSync(nearestThere(root));
  const needed = sessions * BYTES_PER_SESSION;
  if (bavail * bsize < needed + RESERVE_BYTES)
    throw new CommandError(
      `${root} has ${gigabytes(bavail * bsize)} left, and ${sessions.toLocaleString('en')} sessions need about ${gigabytes(needed)} and a reserve of ${gigabytes(RESERVE_BYTES)}: choose another --path`,
    );
  // Some file systems make inodes as they need them, and count none.
  if (ffree > 0 && ffree < sessions * INODES_PER_SESSION)
    throw new CommandError(
      `${root} has room for ${ffree.toLocaleString('en')} files, and ${(sessions * INODES_PER_SESSION).toLocaleString('en')} are needed: choose another --path`,
    );
}

/** The folder itself, or the one in which it is going to be made. */
function nearestThere(path: string): string {
  return existsSync(path) ? path : nearestThere(dirname(path));
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
