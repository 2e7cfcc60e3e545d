/**
 * The port's contract: who watches is told what was changed, once it can be read.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { type SessionChange, type SessionStore } from '../../session/index.js';
import { expect } from './expect.js';
import { BORN, idsAt, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

/** How long a change is waited for, in milliseconds: on a busy machine longer than it may take. */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** What is told, as it comes. */
export class Told {
  readonly changes: SessionChange[] = [];
  readonly #end = new AbortController();

  static async by(store: SessionStore): Promise<Told> {
    const told = new Told();
    await store.watch((change) => told.changes.push(change), told.#end.signal);
    return told;
  }

  /** The revision that was told last, of a session. */
  latest(id: string): number | undefined {
    return this.changes.filter((change) => change.id === id).at(-1)?.revision;
  }

  async until(id: string, revision: number): Promise<void> {
    const begun = Date.now();
    while (this.latest(id) !== revision) {
      if (Date.now() - begun > PATIENCE_MS)
        throw new Error(`of ${id}, ${this.latest(id)} was told last and not ${revision}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  end(): void {
    this.#end.abort();
  }
}

export function describeWatching(tested: StoreUnderTest, { test }: TestRunner): void {
  const create = (first = 0) => tested.store.create(idsAt(BORN, first), opening('me'));
  const append = (id: string, step: string) => tested.store.append(id, patching({ stepsCompleted: [step] }));

  test('tells of a session that is made, changed and taken away, each time that it can be read', async () => {
    const told = await Told.by(tested.store);
    const { session } = await create();
    await told.until(session.id, 1);
    await append(session.id, 'a');
    await told.until(session.id, 2);
    await tested.store.append(session.id, patching({ stepsCompleted: ['b', 'c'], timing: { b_ms: 5 } }));
    await told.until(session.id, 5);
    await tested.store.remove(session.id);
    await told.until(session.id, 0);
    expect(told.changes.every(({ id }) => id === session.id)).toBe(true);
    told.end();
  });

  test('tells of nothing that cannot be read yet', async () => {
    const seen: [told: number, read: Promise<number | undefined>][] = [];
    const end = new AbortController();
    const read = async (id: string) => (await tested.store.read(id))?.session.revision;
    await tested.store.watch(({ id, revision }) => seen.push([revision, read(id)]), end.signal);
    const told = await Told.by(tested.store);
    const { session } = await create();
    await Promise.all(Array.from({ length: 30 }, (_, n) => append(session.id, `s${n}`)));
    await told.until(session.id, 31);
    for (const [revision, reading] of seen) expect(await reading).toBeGreaterThanOrEqual(revision);
    end.abort();
    told.end();
  });

  test('tells nobody of a command that changed nothing', async () => {
    const { session } = await create();
    const told = await Told.by(tested.store);
    await tested.store.append(session.id, () => ({ at: BORN, actor: 'test', events: [] }));
    const { session: other } = await create(1);
    await told.until(other.id, 1);
    expect(told.changes.filter(({ id }) => id === session.id)).toEqual([]);
    told.end();
  });

  test('tells of every session when many change at once, and of each in its order', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, n) => create(n)));
    const ids = made.map(({ session }) => session.id);
    const told = await Told.by(tested.store);
    await Promise.all(Array.from({ length: 200 }, (_, n) => append(ids[n % 20]!, `s${n}`)));
    for (const id of ids) await told.until(id, 11);
    for (const id of ids) {
      const revisions = told.changes.filter((change) => change.id === id).map(({ revision }) => revision);
      expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
    }
    told.end();
  });

  test('tells all who watch, and those no more who have left', async () => {
    const [one, other] = [await Told.by(tested.store), await Told.by(tested.store)];
    const { session } = await create();
    await Promise.all([one.until(session.id, 1), other.until(session.id, 1)]);
    other.end();
    await append(session.id, 'a');
    await one.until(session.id, 2);
    expect(other.latest(session.id)).toBe(1);
    one.end();
  });

  test('tells nobody who had left before it began, and one who comes later what is changed from then on', async () => {
    const left: SessionChange[] = [];
    await tested.store.watch((change) => left.push(change), AbortSignal.abort());
    const first = await Told.by(tested.store);
    const { session } = await create();
    await first.until(session.id, 1);
    first.end();
    await append(session.id, 'a');
    const second = await Told.by(tested.store);
    await append(session.id, 'b');
    await second.until(session.id, 3);
    expect(left).toEqual([]);
    expect(first.latest(session.id)).toBe(1);
    second.end();
  });
}
