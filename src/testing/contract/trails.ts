/**
 * The port's contract: the events of a session by pages, and whether they verify.
 */

import { type StoredSession } from '../../session/index.js';
import { expect } from './expect.js';
import { allEvents, BORN, idsAt, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

export function describeTrails(tested: StoreUnderTest, { test }: TestRunner): void {
  const create = (first = 0, at = BORN) => tested.store.create(idsAt(at, first), opening('me', at));

  test('gives events by pages, and says where the next one begins', async () => {
    const { session } = await create();
    const stepsCompleted = Array.from({ length: 9 }, (_, n) => `s${n}`);
    await tested.store.append(session.id, patching({ stepsCompleted }));
    const page = await tested.store.events(session.id, { after: 2, limit: 3 });
    expect(page!.events.map((event) => event.seq)).toEqual([3, 4, 5]);
    expect(page).toMatchObject({ nextAfter: 5, revision: 10 });
    expect(await tested.store.events(session.id, { after: 8, limit: 3 })).toMatchObject({ nextAfter: null });
    const full = await tested.store.events(session.id, { after: 6, limit: 3 });
    expect(full!.events.map((event) => event.seq)).toEqual([7, 8, 9]);
    expect(full!.nextAfter).toBeNull();
    expect(await tested.store.events(session.id, { after: 99, limit: 3 })).toMatchObject({
      events: [],
      nextAfter: null,
    });
    expect(await allEvents(tested.store, session.id, 1)).toEqual(await allEvents(tested.store, session.id));
  });

  test('verifies a trail: how many events it has, and the hash that they come to', async () => {
    const { session } = await create();
    const stepsCompleted = ['a', 'b', 'c'];
    await tested.store.append(session.id, patching({ stepsCompleted }));
    const after = (await tested.store.append(
      session.id,
      patching({ labels: { team: 'x' } }),
    )) as StoredSession;
    const expected = { valid: true, events: 5, head: after.session.head, problems: [] };
    expect(await tested.store.verify(session.id)).toEqual(expected);
    await tested.reopen();
    expect(await tested.store.verify(session.id)).toEqual(expected);
    expect(await tested.store.verify('sess_20240115_103045_ffffff')).toBeUndefined();
  });

  test('verifies a trail while it grows, and finds it whole each time', async () => {
    const { session } = await create();
    const appending = Array.from({ length: 60 }, (_, n) =>
      tested.store.append(session.id, patching({ stepsCompleted: [`s${n}`] })),
    );
    const verified = await Promise.all(Array.from({ length: 20 }, () => tested.store.verify(session.id)));
    await Promise.all(appending);
    expect(verified.map((outcome) => outcome?.problems)).toEqual(verified.map(() => []));
  });
}
