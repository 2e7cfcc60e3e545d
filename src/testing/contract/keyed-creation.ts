/**
 * The port's contract: a session that is created again under the same key is the one that is there.
 */

import { type StoredSession } from '../../session/index.js';
import { expect } from './expect.js';
import { BORN, idsAt, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const after = (ms: number) => new Date(BORN.getTime() + ms);
const hash = (digit: string) => digit.repeat(64);

export function describeKeyedCreation(tested: StoreUnderTest, { test }: TestRunner): void {
  /** As the service creates: keys count for a day. */
  const create = (key: string, at = BORN, request = hash('0')) => {
    const idempotency = { key_sha256: key, request_sha256: request };
    return tested.store.create(
      idsAt(at),
      opening('me', at, { idempotency }),
      new Date(at.getTime() - DAY_MS),
    );
  };
  const count = async () => (await tested.store.list({ limit: 1, counted: true })).total;

  test('gives the session that was created with the same key, also after it was closed and opened again', async () => {
    const created = await create(hash('a'));
    expect(created.session.idempotency).toEqual({ key_sha256: hash('a'), request_sha256: hash('0') });
    expect(await create(hash('a'), after(1_000))).toEqual(created);
    await tested.reopen();
    expect(await create(hash('a'), after(2_000))).toEqual(created);
    expect(await count()).toBe(1);
  });

  test('gives it as it is by then', async () => {
    const { session } = await create(hash('a'));
    const changed = await tested.store.append(session.id, patching({ status: 'error' }));
    expect(await create(hash('a'), after(1_000))).toEqual(changed);
    await tested.reopen();
    expect(await create(hash('a'), after(1_000))).toEqual(changed);
  });

  test('gives it to another request too, with the request that made it', async () => {
    const created = await create(hash('a'));
    expect(await create(hash('a'), after(1_000), hash('1'))).toEqual(created);
  });

  test('makes another session for another key, and for none', async () => {
    const made = [
      await create(hash('a')),
      await create(hash('b')),
      await tested.store.create(idsAt(BORN), opening()),
      await tested.store.create(idsAt(BORN), opening()),
    ];
    expect(new Set(made.map(({ session }) => session.id)).size).toBe(4);
    expect(made[2]!.session).not.toHaveProperty('idempotency');
  });

  test('makes a new session once the key is older than it counts, and knows that one from then on', async () => {
    const first = await create(hash('a'));
    expect(await create(hash('a'), after(DAY_MS))).toEqual(first);
    const second = await create(hash('a'), after(DAY_MS + 1));
    expect(second.session.id).not.toBe(first.session.id);
    expect(await create(hash('a'), after(DAY_MS + 2))).toEqual(second);
    await tested.reopen();
    expect(await create(hash('a'), after(2 * DAY_MS + 1))).toEqual(second);
    expect(await count()).toBe(2);
  });

  test('makes exactly one session of fifty calls at once with the same key', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => create(hash('a'))));
    const { sessions } = await tested.store.list({ limit: 10 });
    expect(sessions).toHaveLength(1);
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ session }: StoredSession) => session.id))).toEqual(new Set([sessions[0]!.id]));
    for (const reason of refused) expect(reason).toMatchObject({ code: 'IdempotencyKeyInUseError' });
    expect((await create(hash('a'))).session.id).toBe(sessions[0]!.id);
  });

  test('makes fifty sessions of fifty calls at once with keys of their own', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => create(n.toString(16).padStart(64, '0'))));
    expect(await count()).toBe(50);
  });

  test('lets a key be used again when nothing came of the call', async () => {
    await tested.store.create(idsAt(BORN, 0, 1), opening());
    const idempotency = { key_sha256: hash('a'), request_sha256: hash('0') };
    const keyed = opening(null, BORN, { idempotency });
    const failing = tested.store.create(idsAt(BORN, 0, 1), keyed, BORN);
    await expect(failing).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
    expect(await create(hash('a'))).toMatchObject({ session: { revision: 1 } });
    expect(await count()).toBe(2);
  });

  test('makes a new session under the key of one that was removed', async () => {
    const first = await create(hash('a'));
    await tested.store.remove(first.session.id);
    const second = await create(hash('a'), after(1_000));
    expect(await tested.store.read(second.session.id)).toEqual(second);
    expect(await count()).toBe(1);
    expect(await create(hash('a'), after(2_000))).toEqual(second);
  });

  test('does not take another session under the id of one that was removed for the one that its key made', async () => {
    const { session: first } = await create(hash('a'));
    await tested.store.list({ limit: 1 });
    await tested.store.remove(first.id);
    await tested.store.create([first.id], opening());
    expect((await create(hash('a'), after(1_000))).session.id).not.toBe(first.id);
    expect(await count()).toBe(2);
  });
}
