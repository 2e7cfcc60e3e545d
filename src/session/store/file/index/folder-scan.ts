/**
 * Looks through day folders for the index: which sessions there are, and what was left over by a process that was stopped.
 * Reads, and changes nothing. Runs in a thread of its own where it can (folder-scan.worker.ts): a million logs take minutes.
 */

import { Worker } from 'node:worker_threads';
import { SessionCorruptedError } from '../../../domain/errors.js';
import { SyncFailedError } from '../durable-file.js';
import { type FolderEntry, type SessionFolders, TEMPORARY_PREFIX } from '../session-folders.js';
import type { SessionLoader } from '../session-loader.js';
import { corruptedRow, type IndexRow, rowOf } from './index-schema.js';

/** A part of what was found. */
export interface Finding {
  readonly rows: readonly IndexRow[];
  /** What is half made or half removed, or is just now. */
  readonly leftOver: readonly FolderEntry[];
  /** What kept single sessions from being read, besides that they are damaged. */
  readonly failures: readonly unknown[];
  /** The day folder that has been looked through by this, to its end or as far as could be. */
  readonly day?: string;
  /** Why not all of it could be looked at. */
  readonly unread?: string | undefined;
}

export type Scan = AsyncGenerator<Finding, void, void>;

/** How many sessions are told at once: writing them to the index keeps others waiting for some milliseconds. */
const AT_ONCE = 100;

/** How many names are sorted at once: a folder may hold a million. */
const SORTED_AT_ONCE = 10_000;

/** Looks through day folders one after another. */
export async function* scanFolders(
  folders: SessionFolders,
  loader: SessionLoader,
  days: readonly string[],
): Scan {
  for (const day of days) {
    let found = nothing();
    let unread: string | undefined;
    try {
      for await (const id of sorted(folders.namesIn(day))) {
        const entry = { id, day };
        if (id.startsWith(TEMPORARY_PREFIX)) found.leftOver.push(entry);
        else if (folders.isSession(entry)) await look(loader, entry, found);
        if (found.rows.length + found.leftOver.length < AT_ONCE) continue;
        yield found;
        found = nothing();
      }
    } catch (error) {
      if (!isOfOneFolder(error)) throw error;
      unread = error.message;
    }
    yield { ...found, day, unread };
  }
}

/** What was made one after the other, and has names in that order, lies side by side on most disks. */
async function* sorted(names: AsyncIterable<string>): AsyncGenerator<string> {
  let some: string[] = [];
  for await (const name of names) {
    if (some.push(name) < SORTED_AT_ONCE) continue;
    yield* some.sort();
    some = [];
  }
  yield* some.sort();
}

const nothing = () => ({ rows: [] as IndexRow[], leftOver: [] as FolderEntry[], failures: [] as unknown[] });

/** What keeps one folder from being read, and says nothing about others: no right to, a bad spot, a link in a circle. */
const OF_ONE_FOLDER: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENOTDIR']);
function isOfOneFolder(error: unknown): error is Error {
  return OF_ONE_FOLDER.has((error as NodeJS.ErrnoException).code);
}

/** One that is damaged, or lies on a bad spot of the disk, is no reason to leave out all the others. */
async function look(
  loader: SessionLoader,
  entry: FolderEntry,
  { rows, failures }: ReturnType<typeof nothing>,
): Promise<void> {
  try {
    const loaded = await loader.loadFrom(entry);
    // What was taken away meanwhile is none.
    if (loaded) rows.push(rowOf(loaded));
  } catch (error) {
    if (!isOfOneSession(error)) throw error;
    rows.push(corruptedRow(entry.id, entry.day));
    if (!(error instanceof SessionCorruptedError)) failures.push(error);
  }
}

/** Damage, or files that the disk cannot read, or not make durable. */
export function isOfOneSession(error: unknown): boolean {
  if (error instanceof SessionCorruptedError || error instanceof SyncFailedError) return true;
  return ((error as Error)?.cause as NodeJS.ErrnoException | undefined)?.code === 'EIO';
}

/** What a thread is told. */
export interface ScanTask {
  readonly path: string;
  readonly storeId: string;
  readonly legacyTimeZone: string;
  readonly days: readonly string[];
}

/** Of young objects, in MiB: a thread would take tens of them for what it has forgotten a moment later. */
const THREAD_YOUNG_MIB = 4;
/** How many threads share the days: a disk that has nothing in memory answers several questions in the time of one. */
const THREADS = 4;
/** Findings of a thread that wait to be taken while it looks for the next. */
export const AHEAD = 4;

type Told = { readonly finding: Finding; readonly by: Worker } | { readonly error: unknown } | 'end';

/** As `scanFolders`, in threads of its own. */
export async function* scanInThreads(task: ScanTask): Scan {
  const told: Told[] = [];
  let wake = () => {};
  const tell = (one: Told) => {
    told.push(one);
    wake();
  };
  const workers = sharesOf(task.days).map((days) => startThread({ ...task, days }, tell));
  let running = workers.length;
  try {
    while (running > 0) {
      const next = told.shift();
      if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else if (next === 'end') running -= 1;
      else if ('error' in next) throw next.error;
      else {
        yield next.finding;
        next.by.postMessage('taken');
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function startThread(task: ScanTask, tell: (told: Told) => void): Worker {
  const by = new Worker(new URL('./folder-scan.worker.js', import.meta.url), {
    workerData: task,
    // What this process was started with (a program given as an argument, an inspector) is not for a thread of ours.
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: THREAD_YOUNG_MIB },
  });
  by.on('message', (message: Finding | 'end') => tell(message === 'end' ? 'end' : { finding: message, by }));
  by.on('error', (error) => tell({ error }));
  by.on('exit', (code) => {
    if (code !== 0) tell({ error: new Error('a thread that looks through the folders ended') });
  });
  return by;
}

/** Each thread gets every so manieth day, so that all of them are near each other. */
function sharesOf(days: readonly string[]): string[][] {
  const shares = Array.from({ length: Math.min(THREADS, days.length) }, (): string[] => []);
  for (const [n, day] of days.entries()) shares[n % shares.length]?.push(day);
  return shares;
}
