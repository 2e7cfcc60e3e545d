/**
 * Plays the acts of test/store/acts.ts on a faulty disk, each from the opening of a store to the opening after it, and
 * says what was wrong with a run. The tests of every-fault*.test.ts choose the faults.
 */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, jest } from '@jest/globals';
import { StoreOpenError } from '../../src/session/domain/errors.js';
import type { FileSystem } from '../../src/session/store/file/durable-file.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { Client, same } from './a-client.js';
import { ACTS, type Act, DAY, IMPORTED, OURS, PYTHONS, writePythonsFolder } from './acts.js';
import { type Fault, FaultyDisk, MISFORTUNES, type MisfortuneName } from './faulty-disk.js';

/** In memory where the machine has it: what is tested is what the store makes of a disk's answers. */
const IN_MEMORY = '/dev/shm';
const ROOM = 1024 ** 3;
const PLACE = existsSync(IN_MEMORY) && bytesFree(IN_MEMORY) > ROOM ? IN_MEMORY : tmpdir();
/** Longer than anything waits: a view for its turn or for another try, the lock for being looked at. */
const MOMENT = 2_000;

function bytesFree(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

let place: string;
/** Files of a folder that holds both sessions, by their paths. */
let template: ReadonlyMap<string, Buffer>;
/** The calls of each act when nothing fails. */
let calls: ReadonlyMap<Act, readonly string[]>;

let now = BORN.getTime();
const timers = new Set<() => void>();
let folders = 0;

/** Prepares the acts for the tests of a file, and counts their calls. */
export function playHere(): void {
  beforeAll(async () => {
    // Time passes when an act says so: views are written, and the lock is looked at, at the same place in each run.
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void) => timers.add(run)) as never);
    place = mkdtempSync(join(PLACE, 'every-fault-'));
    template = await aTemplate(join(place, 'template'));
    const counted = new Map<Act, readonly string[]>();
    for (const act of ACTS) counted.set(act, await play(act));
    calls = counted;
  });

  afterAll(() => {
    jest.restoreAllMocks();
    // Tens of thousands of files, which Node takes away one after another.
    execFileSync('rm', ['-r', place]);
  });
}

async function aTemplate(folder: string): Promise<Map<string, Buffer>> {
  const store = await FileStore.open({ path: folder, files: new FaultyDisk(folder).files });
  await store.create(idsAt(BORN), opening());
  await store.append(OURS, patching({ stepsCompleted: ['zero'] }));
  await store.append(OURS, patching({ stepsCompleted: ['naught'] }));
  await store.close();
  writePythonsFolder(folder);
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return new Map(files.map((path) => [path, readFileSync(join(folder, path))]));
}

/** What an act finds in its folder. */
function prepare(act: Act, folder: string): void {
  const there = act.sessions.length > 0 ? ['.store', ...act.sessions.map((id) => join(DAY, id))] : [];
  for (const [path, content] of template) {
    if (!there.some((name) => path.startsWith(name))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  act.prepare?.(folder);
}

async function pass(ms: number): Promise<void> {
  now += ms;
  const due = [...timers];
  timers.clear();
  for (const run of due) run();
  // Nothing that the disk does takes a turn: what began is over when the next one comes.
  await new Promise((resolve) => setImmediate(resolve));
}

/** How a file system betrays the store, for the tests that see these tests fail. */
export type Betrayal = (files: FileSystem) => FileSystem;

/** Plays an act, with a fault or without; the calls that it made. Throws what was wrong. */
async function play(
  act: Act,
  fault?: Fault,
  betray: Betrayal = (files) => files,
): Promise<readonly string[]> {
  const folder = join(place, String(folders++));
  prepare(act, folder);
  timers.clear();
  const disk = new FaultyDisk(folder, fault);
  const files = betray(disk.files);
  const client = new Client(folder, disk);
  if (act.sessions.includes(OURS)) client.knows(OURS, DAY, ['zero', 'naught']);
  const first = fault?.misfortune === 'EMFILE' ? IMPORTED : undefined;
  if (act.sessions.includes(PYTHONS)) client.knows(PYTHONS, DAY, ['old'], 1, first);
  disk.counting = act.opens === true;
  client.store = await open(folder, disk, files);
  disk.counting = false;
  // The index of the template knows of both sessions: on a slow machine, opening does not wait for it to be put right.
  if (!act.opens) await client.store.whenComplete();
  await act.before?.(client, pass);
  for (const step of act.steps) {
    disk.counting = true;
    await step(client, pass);
    disk.counting = false;
    // Before the fault strikes, all is as it is without one; what is looked at then would be in memory already.
    if (disk.struck.length > 0) await client.look();
  }
  disk.counting = true;
  if (act.closes) await close(client, disk);
  disk.counting = false;
  disk.lift();
  if (!act.closes) {
    await client.expectService();
    await pass(MOMENT);
    client.expectViews();
    await client.store.close();
  }
  same(disk.retriedSyncs, []);
  same(disk.openFiles, 0);
  if (client.isUnsure) expect(statSync(join(folder, '.store/lock')).size).toBeGreaterThan(0);
  disk.forgetSyncs();
  client.store = await FileStore.open({ path: folder, files: disk.files });
  await client.expectKept();
  await client.store.close();
  return disk.calls;
}

/** Opens the store on a faulty disk; where it says why it does not open, once more on one that works. */
async function open(path: string, disk: FaultyDisk, files: FileSystem): Promise<FileStore> {
  try {
    return await FileStore.open({ path, files });
  } catch (error) {
    expect(error).toBeInstanceOf(StoreOpenError);
    expect(disk.struck).not.toEqual([]);
    same(disk.openFiles, 0);
    disk.lift();
    disk.forgetSyncs();
    return FileStore.open({ path, files });
  }
}

/** A store that could not be closed cleanly says so, and lets go of its folder all the same. */
async function close(client: Client, disk: FaultyDisk): Promise<void> {
  const struck = disk.struck.length;
  await client.store.close().catch((error) => {
    if (disk.struck.length === struck) throw error;
  });
}

/** What was wrong, without the colours of a terminal. */
function plain(error: Error): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out
  return error.message.replace(/\u001b\[\d+m/g, '').replace(/\n+/g, '\n  ');
}

/** Every run of an act in which the fault strikes, and what was wrong with it. */
export async function playAll(
  misfortune: MisfortuneName,
  lasting: Fault['lasting'],
  betray?: Betrayal,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [act, made] of calls) {
    for (const [at, call] of made.entries()) {
      if (!MISFORTUNES[misfortune].befalls(call.split(' ')[0] as string)) continue;
      const how = `${act.name}, call ${at + 1} of ${made.length} (${call}): ${misfortune}, ${lasting}`;
      await play(act, { at, misfortune, lasting }, betray).then(
        // A betrayed store may make other calls; any other one makes the same, so that what is told was struck.
        (again) => betray ?? same(again[at], call),
        (error) => wrong.push(`${how}: ${plain(error)}`),
      );
    }
  }
  return wrong;
}
