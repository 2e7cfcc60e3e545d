/**
 * What a store makes of a disk after a power cut: the disk is laid out as real files, the store opened on it, everything
 * read, and everything written to once more. Then it is held against what somebody was told before the cut.
 */

import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLog } from '../../src/session/domain/event-log.js';
import { listedSession } from '../../src/session/domain/session-document.js';
import type { SessionEvent } from '../../src/session/domain/session-event.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import type { StoredSession } from '../../src/session/store/session-store.js';
import { allEvents, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { Random } from '../random.js';
import type { Tree } from './disk-model.js';
import { DATA, type Fact } from './power-cut-life.js';
import { RecordedDisk } from './recorded-disk.js';

/** What was found after a cut. */
export interface Aftermath {
  /** The events of each session that can be read. */
  readonly sessions: ReadonlyMap<string, readonly SessionEvent[]>;
  /** What should not be, whatever anybody was told. */
  readonly faults: readonly string[];
}

const AFTERWARDS = new Date('2026-01-01T00:00:00.000Z');

/** A folder in memory, where the system has one: a simulation lays out thousands of disks. */
export function makeScratchFolder(): string {
  const inMemory = '/dev/shm';
  try {
    accessSync(inMemory, constants.W_OK);
    return mkdtempSync(join(inMemory, 'power-cut-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'power-cut-'));
  }
}

/** Two disks with the same digest are the same. */
export function digestOf(tree: Tree): string {
  const digest = createHash('sha256');
  for (const [path, content] of tree)
    digest.update(`${path}\n${content === null ? 'folder' : content.length}\n`).update(content ?? '');
  return digest.digest('hex');
}

/** Lays the disk out in a folder that is not there yet, starts a store on it, and takes it away again. */
export async function startAfter(tree: Tree, folder: string): Promise<Aftermath> {
  mkdirSync(folder);
  for (const [path, content] of tree) {
    if (content === null) mkdirSync(join(folder, path));
    else writeFileSync(join(folder, path), content);
  }
  try {
    return await lookAround(join(folder, DATA));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function lookAround(path: string): Promise<Aftermath> {
  const sessions = new Map<string, readonly SessionEvent[]>();
  const faults: string[] = [];
  // Files without a trip through the thread pool: it is thousands of starts.
  const { files } = new RecordedDisk(path, new Random(0), 0).startProcess();
  const open = FileStore.open({ path, files });
  const store = await open.catch((error) => void faults.push(`the store does not open: ${error.message}`));
  if (!store) return { sessions, faults };
  try {
    await store.whenComplete();
    const page = await store.list({ limit: 500, counted: true });
    if (!page.complete) faults.push('the index is not complete');
    for (const one of page.sessions) {
      if (one.status === 'corrupted') {
        const why = await store.read(one.id).catch((error) => error.cause?.message);
        faults.push(`${one.id} is corrupted: ${why}`);
        continue;
      }
      const events = await allEvents(store, one.id);
      sessions.set(one.id, events);
      const read = (await store.read(one.id)) as StoredSession;
      if (JSON.stringify(listedSession(read.session)) !== JSON.stringify(one))
        faults.push(`${one.id} is listed as another than it is read`);
      faults.push(...missingTails(events, join(path, '..', read.auditPath.slice(path.length - DATA.length))));
    }
    await Promise.all([...sessions.keys()].map((id) => goOn(store, path, id, faults)));
    await store.create(idsAt(AFTERWARDS), opening('me', AFTERWARDS));
  } catch (error) {
    faults.push(`the store does not go on: ${String(error)}, ${String((error as Error).cause)}`);
  } finally {
    await store.close();
  }
  return { sessions, faults };
}

/** Tails that the log says were kept beside it, and that are not there. */
function missingTails(events: readonly SessionEvent[], folder: string): string[] {
  const isKept = ({ file, sha256 }: SessionEvent['data']) => {
    try {
      const kept = readFileSync(join(folder, file as string));
      return createHash('sha256').update(kept).digest('hex') === sha256;
    } catch {
      return false;
    }
  };
  return events
    .filter(({ type, data }) => type === 'log_recovered' && !isKept(data))
    .map(({ sid, data }) => `${sid} has lost ${data.file}`);
}

/** One command more, after which the whole log verifies from its bytes. */
async function goOn(store: FileStore, path: string, id: string, faults: string[]): Promise<void> {
  const changed = (await store.append(
    id,
    patching({ stepsCompleted: ['afterwards'] }, AFTERWARDS),
  )) as StoredSession;
  const { store_id: storeId } = JSON.parse(readFileSync(join(path, '.store', 'format.json'), 'utf8'));
  const log = readFileSync(join(changed.auditPath, 'events.jsonl'));
  const { events, rest } = readLog(log, storeId, id);
  if (rest || events.at(-1)?.hash !== changed.session.head)
    faults.push(`${id} does not verify after one more command: ${rest?.finding}`);
}

/** Where what was found breaks what was told before the cut. `everTold`: in the whole life, also after it. */
export function broken(found: Aftermath, told: readonly Fact[], everTold: readonly Fact[]): string[] {
  const breaches = [...found.faults];
  const last = new Map(told.map((fact) => [fact.id, fact]));
  for (const fact of last.values()) {
    const events = found.sessions.get(fact.id);
    if (fact.told === 'gone' && events) breaches.push(`${fact.id} was removed, and is back`);
    if (fact.told !== 'state') continue;
    if (!events) breaches.push(`${fact.id} was acknowledged, and cannot be read`);
    else if (fact.revision > 0 && events[fact.revision - 1]?.hash !== fact.head)
      breaches.push(
        `${fact.id} had event ${fact.revision - 1} acknowledged, and has ${events.length} events`,
      );
  }
  for (const [id, events] of found.sessions) {
    const isTold = (revision: number, head: string | undefined) =>
      everTold.some(
        (fact) => fact.told === 'state' && fact.id === id && fact.revision === revision && fact.head === head,
      );
    const isWhole = (these: readonly SessionEvent[]) =>
      these.length === 0 || isTold(these.length, these.at(-1)?.hash);
    if (!isWhole(events) && !isWhole(beforeLastCommand(events)))
      breaches.push(`${id} has ${events.length} events: a command by half, or one that nobody gave`);
  }
  return breaches;
}

/** Without the last command, which may be one that was never acknowledged, and the store's own event that came with it. */
function beforeLastCommand(events: readonly SessionEvent[]): readonly SessionEvent[] {
  const last = events.at(-1)?.data ?? {};
  if (last.part !== last.parts) return events;
  const before = events.slice(0, -((last.parts as number | undefined) ?? 1));
  return before.at(-1)?.actor === 'session-store' ? before.slice(0, -1) : before;
}
