/**
 * The power-cut simulation: records a life of a data folder, cuts the power at every moment of it with several
 * outcomes, and tells what each cut broke.
 */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Random } from '../random.js';
import { DiskModel, type Outcome, type Tree } from './disk-model.js';
import { type Aftermath, broken, digestOf, makeScratchFolder, startAfter } from './power-cut-aftermath.js';
import { type Fact, liveThrough } from './power-cut-life.js';
import { drawnOutcome, EXTREMES } from './power-cut-outcomes.js';
import { type Entry, RecordedDisk } from './recorded-disk.js';

/** A disk that forgets: whether it skips this sync. */
export type Forgetting = (path: string, disk: RecordedDisk<Fact>) => boolean;

export interface Recording {
  readonly seed: number;
  readonly journal: readonly Entry<Fact>[];
  /** What lay on the real disk at the end. */
  readonly end: Tree;
}

/** Lives through the life, on a clock that only the life moves. */
export async function record(seed: number, forgets: Forgetting = () => false): Promise<Recording> {
  const root = makeScratchFolder();
  const disk = new RecordedDisk<Fact>(root, new Random(seed));
  disk.forgetsSync = (path) => forgets(path, disk);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  try {
    await liveThrough(disk, root, async (milliseconds) => {
      await jest.advanceTimersByTimeAsync(milliseconds);
      await disk.isIdle();
    });
    return { seed, journal: disk.journal, end: new Map(treeAt(root)) };
  } finally {
    jest.useRealTimers();
    rmSync(root, { recursive: true });
  }
}

function* treeAt(root: string, path = ''): Iterable<[string, Buffer | null]> {
  for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
    // Not written through this file system, and not relied on after a power cut: see LastStop.
    if (entry.name.startsWith('index.db')) continue;
    const name = join(path, entry.name);
    yield [name, entry.isDirectory() ? null : readFileSync(join(root, name))];
    if (entry.isDirectory()) yield* treeAt(root, name);
  }
}

export interface Simulation {
  readonly recording: Recording;
  /** Tried at every moment. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** How many are drawn besides those, for every set of possible disks. */
  readonly drawn: number;
  /** Stops when so many cuts have broken something. */
  readonly enough: number;
}

/** What the cuts broke, in words: empty when they broke nothing. */
export async function cutEverywhere({ recording, outcomes, drawn, enough }: Simulation): Promise<string[]> {
  const { seed, journal } = recording;
  const scratch = makeScratchFolder();
  const starts = new Map<string, Promise<Aftermath>>();
  const start = (tree: Tree) => {
    const digest = digestOf(tree);
    const started = starts.get(digest) ?? startAfter(tree, join(scratch, `${starts.size}`));
    starts.set(digest, started);
    return started;
  };
  const everTold = factsOf(journal);
  const model = new DiskModel();
  const breaches: string[] = [];
  try {
    for (let moment = 0; moment <= journal.length && breaches.length < enough; moment++) {
      if (moment > 0) model.take(journal[moment - 1] as Entry<Fact>);
      const told = factsOf(journal.slice(0, moment));
      const tried = Object.entries(outcomes);
      // Drawn where most has been told of the same possible disks.
      const isLast = changesWhatIsPossible(journal[moment]);
      for (let n = 0; isLast && n < drawn; n++)
        tried.push([`drawn outcome ${n}`, drawnOutcome(new Random(seed + 7_919 * moment + 104_729 * n))]);
      for (const [name, outcome] of tried) {
        const found = broken(await start(model.after(outcome)), told, everTold);
        if (found.length > 0) breaches.push(describeBreach(recording, moment, name, found));
      }
    }
    return breaches;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The model's disk after the whole journal, with all that was ever written. */
export function endOf({ journal }: Recording): Tree {
  const model = new DiskModel();
  for (const entry of journal) model.take(entry);
  return model.after(EXTREMES.everything as Outcome);
}

/** Whether an entry, or the journal's end, is where other disks become possible: what has begun may have happened. */
function changesWhatIsPossible(entry: Entry<Fact> | undefined): boolean {
  if (!entry || entry.kind === 'dropped') return true;
  if (entry.kind === 'fact') return false;
  return entry.kind === (entry.operation.call === 'sync' ? 'done' : 'begun');
}

function factsOf(journal: readonly Entry<Fact>[]): Fact[] {
  return journal.flatMap((entry) => (entry.kind === 'fact' ? [entry.fact] : []));
}

function describeBreach(
  { seed, journal }: Recording,
  moment: number,
  outcome: string,
  found: string[],
): string {
  const before = journal.slice(Math.max(0, moment - 6), moment).map((entry) => {
    if (entry.kind === 'fact') return `told ${JSON.stringify(entry.fact)}`;
    const { call, path } = entry.operation;
    return `${entry.kind} ${call} ${path}`;
  });
  return [
    `seed ${seed}, cut at ${moment} of ${journal.length}, on the disk: ${outcome}`,
    ...found.map((breach) => `  ${breach}`),
    '  the entries before it:',
    ...before.map((line) => `    ${line}`),
  ].join('\n');
}
