/**
 * The life of a data folder that the power-cut simulation cuts at every moment: five processes, of which four are
 * killed; everything that a store does to the disk; and notes of what somebody was told, which no cut may undo.
 */

import { join } from 'node:path';
import type { SessionPatch } from '../../src/session/domain/session.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import type { StoredSession } from '../../src/session/store/session-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import type { Operation, RecordedDisk } from './recorded-disk.js';

/** What somebody was told of a session: an acknowledgement, or what a reader was shown. */
export type Fact =
  | { readonly told: 'state'; readonly id: string; readonly revision: number; readonly head: string }
  /** `removing` was asked for and is not acknowledged. */
  | { readonly told: 'removing' | 'gone'; readonly id: string };

/** The data folder, within the recorded one: the store makes it. */
export const DATA = 'data';

const DAY = '2024-01-15';
const NEXT_DAY = new Date('2024-01-16T00:00:00.000Z');
const A_YEAR_LATER = new Date('2025-01-15T00:00:00.000Z');
const PYTHON_IDS = ['sess_20240115_090000_a1b2c3', 'sess_20240115_090000_d4e5f6'] as const;

const logOf = (id: string) => `${DATA}/${DAY}/${id}/events.jsonl`;
const step = (name: string): SessionPatch => ({ stepsCompleted: [name] });
/** One command, three lines, more than two pages of 4096 bytes: its sectors can be written in any order. */
const LARGE: SessionPatch = {
  outputs: { first: 'f'.repeat(4_000), second: 's'.repeat(4_500) },
  stepsCompleted: ['large'],
};

export async function liveThrough(
  disk: RecordedDisk<Fact>,
  root: string,
  pass: (milliseconds: number) => Promise<void>,
): Promise<void> {
  let process = await Process.start(disk, root);
  const [a, b, c, d] = (await Promise.all([
    process.create(0),
    process.create(1),
    process.create(2),
    process.create(3, NEXT_DAY),
  ])) as [string, string, string, string];
  await Promise.all([
    process.append(a, step('one')),
    process.append(b, LARGE),
    process.append(c, { status: 'requirement_submitted', stepsCompleted: ['one', 'two'] }),
    process.append(d, step('one')),
  ]);
  await pass(100);
  await Promise.all([
    process.append(a, step('two')),
    process.append(a, step('three')),
    process.append(b, LARGE),
  ]);

  // Killed with a line written and not synced, and perhaps half of a long command.
  const writes = (operation: Operation) => operation.call === 'write' && operation.path === logOf(b);
  await process.killWhen(writes, () => [
    process.append(c, { outputs: { first: 'f'.repeat(9_000) } }),
    process.append(b, step('never acknowledged')),
  ]);

  process = await Process.start(disk, root);

  // Killed with a session in its place that no sync has reached.
  const takesPlace = (operation: Operation) =>
    operation.call === 'rename' && !operation.path.includes('events.jsonl');
  await process.killWhen(takesPlace, () => [process.create(4)]);
  process = await Process.start(disk, root);

  // Killed with a session out of its place, and no sync of that.
  await process.killWhen(takesPlace, () => [process.remove(d)]);
  await layByHand(disk, root, a);
  process = await Process.start(disk, root);

  // Killed with a log in its place as a whole, and no sync of that.
  const adopts = (operation: Operation) =>
    operation.call === 'rename' && operation.to === logOf(PYTHON_IDS[0]);
  await process.killWhen(adopts, () => [process.append(PYTHON_IDS[0], step('never acknowledged'))]);
  process = await Process.start(disk, root);

  await Promise.all([
    process.append(a, LARGE),
    process.append(PYTHON_IDS[1], { status: 'matches_selected', outputs: LARGE.outputs }),
    process.append(b, step('four')),
    process.create(5, A_YEAR_LATER),
    process.create(6),
  ]);
  await Promise.all([process.remove(b), process.append(c, LARGE), process.append(a, step('four'))]);
  await pass(100);
  await process.append(PYTHON_IDS[1], step('five'));
  await process.close();
}

/** Folders as the Python component leaves them, and a torn tail; all durable. */
async function layByHand(disk: RecordedDisk<Fact>, root: string, torn: string): Promise<void> {
  const { files } = disk.startProcess();
  const path = (...names: string[]) => join(root, DATA, ...names);
  const sync = async (file: string) => (await files.open(file)).sync();
  for (const id of PYTHON_IDS) {
    const half = path(DAY, `.half-${id}`);
    await files.mkdir(half);
    const document = JSON.stringify({ session_id: id, status: 'matches_found' }, null, 2);
    await files.writeFile(join(half, 'session_metadata.json'), document);
    await sync(join(half, 'session_metadata.json'));
    await sync(half);
    await files.rename(half, path(DAY, id));
  }
  await sync(path(DAY));
  const log = await files.open(join(root, logOf(torn)), 'r+');
  const tail = Buffer.from('{"v":1,"sid":"sess_2024');
  await log.write(tail, 0, tail.length, (await log.stat()).size);
  await log.sync();
}

type Running = ReturnType<RecordedDisk<Fact>['startProcess']>;

/** A process that has the store open, and notes what it tells its callers. */
class Process {
  private constructor(
    private readonly disk: RecordedDisk<Fact>,
    private readonly whenKilled: Running['killWhen'],
    private readonly store: FileStore,
  ) {}

  /** Starts a process, which reads everything: what a reader is shown is told. */
  static async start(disk: RecordedDisk<Fact>, root: string): Promise<Process> {
    const { files, killWhen } = disk.startProcess();
    disk.stage = 'starting';
    const started = new Process(disk, killWhen, await FileStore.open({ path: join(root, DATA), files }));
    disk.stage = 'working';
    await started.#look();
    return started;
  }

  async create(first: number, at = BORN): Promise<string> {
    return this.#tell(await this.store.create(idsAt(at, first, 1), opening('me', at)));
  }

  async append(id: string, patch: SessionPatch): Promise<void> {
    this.#tell((await this.store.append(id, patching(patch))) as StoredSession);
  }

  async remove(id: string): Promise<void> {
    this.disk.note({ told: 'removing', id });
    await this.store.remove(id);
    this.disk.note({ told: 'gone', id });
  }

  async #look(): Promise<void> {
    const shown = new Set<string>();
    for (const one of (await this.store.list({ limit: 500, counted: true })).sessions) {
      if (one.status === 'corrupted') throw new Error(`${one.id} is corrupted, and no power was cut`);
      shown.add(this.#tell((await this.store.read(one.id)) as StoredSession));
    }
    for (const { told, id } of this.disk.facts())
      if (told === 'removing' && !shown.has(id)) this.disk.note({ told: 'gone', id });
  }

  /** Gives the process something to do, and kills it as soon as the disk has done an operation. */
  async killWhen(
    isTheMoment: (operation: Operation) => boolean,
    work: () => Promise<unknown>[],
  ): Promise<void> {
    const killed = this.whenKilled(isTheMoment);
    void Promise.allSettled(work());
    await killed;
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #tell({ session }: StoredSession): string {
    const { id, revision, head } = session;
    this.disk.note({ told: 'state', id, revision, head });
    return id;
  }
}
