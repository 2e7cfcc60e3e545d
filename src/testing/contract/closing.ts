/**
 * The port's contract: a store that is closed has finished what it was asked for, and does no more.
 */

import { expect } from './expect.js';
import { BORN, idsAt, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

export function describeClosing(tested: StoreUnderTest, { test }: TestRunner): void {
  const create = (first = 0, at = BORN) => tested.store.create(idsAt(at, first), opening('me', at));

  test('is writable until it is closed, and then refuses every call with a reason', async () => {
    const { session } = await create();
    expect(await tested.store.health()).toEqual({ writable: true });
    await Promise.all([tested.store.close(), tested.store.close()]);
    expect(await tested.store.health()).toEqual({ writable: false, reason: 'the store is closed' });
    const refused = { code: 'StoreUnavailableError', outcome: 'not_applied' };
    await expect(tested.store.read(session.id)).rejects.toMatchObject(refused);
    await expect(tested.store.append(session.id, patching({ status: 'error' }))).rejects.toMatchObject(
      refused,
    );
    await expect(create(7)).rejects.toMatchObject(refused);
    await expect(tested.store.list({ limit: 1, counted: true })).rejects.toMatchObject(refused);
    await expect(tested.store.stats({})).rejects.toMatchObject(refused);
    await expect(tested.store.verify(session.id)).rejects.toMatchObject(refused);
    await expect(tested.store.remove(session.id)).rejects.toMatchObject(refused);
    const watching = tested.store.watch(() => undefined, new AbortController().signal);
    await expect(watching).rejects.toMatchObject(refused);
  });

  test('finishes what it was asked for before it closes', async () => {
    const { session } = await create();
    let done = 0;
    const asked = Array.from({ length: 50 }, async (_, n) => {
      await tested.store.append(session.id, patching({ stepsCompleted: [`s${n}`] }));
      done++;
    });
    await tested.store.close();
    expect(done).toBe(50);
    await Promise.all(asked);
    await tested.reopen();
    expect((await tested.store.read(session.id))!.session.stepsCompleted).toHaveLength(50);
  });
}
