/**
 * A program, for test/store/full-disk.test.ts: fills the disk under the folder that it is given with a store's own
 * writing, makes room again, and holds the store to what it said. Ends with an error where it was not true; else prints
 * what happened as JSON. Not a test itself: the disk is its own process's alone.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailableError } from '../../src/session/domain/errors.js';
import { readLog } from '../../src/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../src/session/domain/lifecycle.js';
import { decidePatch, type Session } from '../../src/session/domain/session.js';
import { makeSessionId } from '../../src/session/domain/session-id.js';
import { FileStore } from '../../src/session/store/file/file-store.js';

const [, , disk = ''] = process.argv;
const path = join(disk, 'sessions');
const ballast = join(disk, 'ballast');
const AT = new Date('2024-01-15T10:30:45.123Z');
/** How many write at once, and how often each is refused before it gives up. */
const WRITERS = 8;
const PATIENCE = 25;
/** Bytes of a change: less than a page and more, so that writes are cut off in their middle too. */
const SIZES = [100, 3_000, 9_000];

/** The steps that were confirmed, by session. */
const confirmed = new Map<string, string[]>();
const refusals: string[] = [];
const warnings: string[] = [];
let suffix = 0;

const open = () => FileStore.open({ path, warn: (message) => warnings.push(message) });

/** Whether it was done; a refusal has to say that nothing was. */
async function attempted(change: Promise<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    ok(error instanceof StoreUnavailableError, String(error));
    strictEqual(error.outcome, 'not_applied');
    refusals.push(String((error.cause as NodeJS.ErrnoException)?.code));
    return false;
  }
}

async function create(store: FileStore): Promise<boolean> {
  const id = makeSessionId(AT, (suffix++).toString(16).padStart(6, '0'));
  const data = { user_id: null, status: 'created', labels: {} };
  const done = await attempted(
    store.create([id], { at: AT, actor: null, events: [{ type: 'session_created', data }] }),
  );
  if (done) confirmed.set(id, []);
  return done;
}

async function append(store: FileStore, id: string, n: number): Promise<boolean> {
  const steps = confirmed.get(id) as string[];
  const step = `step-${n}`;
  const outputs = { filler: randomBytes(SIZES[n % SIZES.length]! / 2).toString('hex') };
  const decide = (session: Session) => {
    const events = decidePatch(
      session,
      { stepsCompleted: [step], outputs },
      { lifecycle: ASSESSMENT_LIFECYCLE },
    );
    return { at: AT, actor: null, events };
  };
  const done = await attempted(store.append(id, decide));
  if (done) steps.push(step);
  return done;
}

/** Changes a session of its own, and now and then makes another one, until the disk has been full for a while. */
async function fill(store: FileStore, id: string): Promise<void> {
  for (let n = 0, refused = 0; refused < PATIENCE; n++) {
    const done = n % 10 === 9 ? await create(store) : await append(store, id, n);
    if (!done) refused++;
  }
}

/** Every reader sees what was confirmed, and nothing else. */
async function assertReads(store: FileStore): Promise<void> {
  for (const [id, steps] of confirmed) {
    deepStrictEqual((await store.read(id))?.session.stepsCompleted, steps);
    const events = await store.events(id, { limit: 500 });
    const kept = events?.events.filter(({ type }) => type === 'step_completed');
    deepStrictEqual(
      kept?.map(({ data }) => data.step),
      steps,
    );
  }
  const { sessions, total = 0, complete } = await store.list({ limit: 500, counted: true });
  // While the disk is full, its index may not take what was confirmed last; it says so.
  if (complete) strictEqual(total, confirmed.size);
  else ok(existsSync(ballast) && total <= confirmed.size);
  ok(sessions.every((one) => one.status !== 'corrupted'));
}

const folderOf = (id: string) => join(path, '2024-01-15', id);

/** The sessions whose views do not say what their logs do. */
async function lateViews(store: FileStore): Promise<string[]> {
  const late: string[] = [];
  for (const id of confirmed.keys()) {
    const view = JSON.parse(readFileSync(join(folderOf(id), 'session_metadata.json'), 'utf8'));
    if (view.head !== (await store.read(id))?.session.head) late.push(id);
  }
  return late;
}

writeFileSync(ballast, Buffer.alloc(1024 * 1024));
let store = await open();
for (let n = 0; n < WRITERS; n++) ok(await create(store));
const writers = [...confirmed.keys()];

await Promise.all(writers.map((id) => fill(store, id)));
await assertReads(store);
const late = await lateViews(store);
deepStrictEqual(await store.health(), { writable: true });

rmSync(ballast);
// The writer of views says nothing when it is done: they are looked at until they are as they should be.
while ((await lateViews(store)).length > 0) await pause(20);
for (const id of writers) ok(await append(store, id, 10_000));
ok(await create(store));
await assertReads(store);
await store.close();

strictEqual(readFileSync(join(path, '.store/lock'), 'utf8'), '');
deepStrictEqual(readdirSync(join(path, '2024-01-15')).sort(), [...confirmed.keys()].sort());
store = await open();
await assertReads(store);
const { store_id: storeId } = JSON.parse(readFileSync(join(path, '.store/format.json'), 'utf8'));
for (const id of confirmed.keys()) {
  strictEqual(readLog(readFileSync(join(folderOf(id), 'events.jsonl')), storeId, id).rest, undefined);
  // What was written of a refused change was taken back: there was nothing to recover.
  deepStrictEqual(readdirSync(folderOf(id)).sort(), ['events.jsonl', 'session_metadata.json']);
}
await store.close();
process.stdout.write(
  JSON.stringify({ confirmed: [...confirmed.values()].flat().length, refusals, late: late.length, warnings }),
);
