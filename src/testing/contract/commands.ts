/**
 * The port's contract: sessions are made, changed and taken away, each by one command after another.
 */

import { makeSessionId, type SessionPatch, type StoredSession } from '../../session/index.js';
import { expect } from './expect.js';
import { allEvents, BORN, idsAt, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

export function describeCommands(tested: StoreUnderTest, { test }: TestRunner): void {
  const create = (first = 0, at = BORN) => tested.store.create(idsAt(at, first), opening('me', at));

  test('gives a created session back, and after it was closed and opened again', async () => {
    const created = await create();
    expect(created.session).toMatchObject({ status: 'created', userId: 'me', revision: 1 });
    expect(created.session.createdAt).toBe('2024-01-15T10:30:45.123Z');
    expect(await tested.store.read(created.session.id)).toEqual(created);
    await tested.reopen();
    expect(await tested.store.read(created.session.id)).toEqual(created);
  });

  test('never gives an id twice: a taken one is passed over', async () => {
    const [first, second] = [await create(), await create()];
    expect(first.session.id).not.toBe(second.session.id);
    expect(await tested.store.read(first.session.id)).toEqual(first);
  });

  test('says that no id was free when all are taken, and that nothing was done', async () => {
    await tested.store.create(idsAt(BORN, 0, 1), opening());
    await expect(tested.store.create(idsAt(BORN, 0, 1), opening())).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      outcome: 'not_applied',
    });
  });

  test('makes a thousand sessions at once under ids of which most are taken', async () => {
    const randomly = function* (): Iterable<string> {
      for (let attempt = 0; attempt < 256; attempt++) {
        yield makeSessionId(
          BORN,
          Math.floor(Math.random() * 2_048)
            .toString(16)
            .padStart(6, '0'),
        );
      }
    };
    const made = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => tested.store.create(randomly(), opening(`user-${n}`))),
    );
    expect(new Set(made.map(({ session }) => session.id)).size).toBe(1_000);
    expect((await tested.store.list({ limit: 1, counted: true })).total).toBe(1_000);
    // None was written over by another: each is still its maker's.
    const kept = await Promise.all(made.map(({ session }) => tested.store.read(session.id)));
    expect(kept.map((one) => one?.session.userId)).toEqual(made.map((_, n) => `user-${n}`));
  });

  test('answers undefined or false for what is not there', async () => {
    for (const id of ['sess_20240115_103045_ffffff', 'sess_20240230_103045_ffffff', 'no-such', '../x', '']) {
      expect(await tested.store.read(id)).toBeUndefined();
      expect(await tested.store.events(id, { limit: 10 })).toBeUndefined();
      expect(await tested.store.append(id, patching({ status: 'error' }))).toBeUndefined();
      expect(await tested.store.remove(id)).toBe(false);
    }
  });

  test('appends what was decided, all of it, in order', async () => {
    const { session } = await create();
    const patch = { status: 'requirement_submitted', stepsCompleted: ['a', 'b'], timing: { a_ms: 5 } };
    const changed = (await tested.store.append(session.id, patching(patch))) as StoredSession;
    expect(changed.session).toMatchObject({
      status: 'requirement_submitted',
      stepsCompleted: ['a', 'b'],
      timing: { a_ms: 5 },
      revision: 5,
    });
    const events = await allEvents(tested.store, session.id);
    expect(events.map((event) => event.type)).toEqual([
      'session_created',
      'timing_recorded',
      'step_completed',
      'step_completed',
      'status_changed',
    ]);
    expect(events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4]);
    expect(events.slice(1).map((event) => event.prev)).toEqual(
      events.slice(0, -1).map((event) => event.hash),
    );
    await tested.reopen();
    expect(await tested.store.read(session.id)).toEqual(changed);
    expect(await allEvents(tested.store, session.id)).toEqual(events);
  });

  test('writes nothing when nothing was decided', async () => {
    const created = await create();
    expect(await tested.store.append(created.session.id, patching({ status: 'created' }))).toEqual(created);
    expect(await allEvents(tested.store, created.session.id)).toHaveLength(1);
  });

  test('throws on what the decision throws, the very same, and writes nothing', async () => {
    const { session } = await create();
    const mine = new Error('mine');
    const throwing = tested.store.append(session.id, () => {
      throw mine;
    });
    await expect(throwing).rejects.toBe(mine);
    await expect(tested.store.append(session.id, patching({ status: 'completed' }))).rejects.toMatchObject({
      code: 'InvalidSessionStateError',
    });
    expect(await allEvents(tested.store, session.id)).toHaveLength(1);
    expect(await tested.store.append(session.id, patching({ status: 'error' }))).toMatchObject({
      session: { revision: 2 },
    });
  });

  const lost = { code: 'ECONNRESET', errno: -104, syscall: 'read' };
  for (const [what, mine] of [
    ['of a lost connection', Object.assign(new Error('Connection terminated'), lost)],
    ['of a conflict in a database', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
    ['of a disk', Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' })],
  ] as const)
    test(`throws on what the decision throws as it is, and decides once, where it looks like one ${what}`, async () => {
      const { session } = await create();
      let decided = 0;
      const throwing = tested.store.append(session.id, () => {
        decided += 1;
        throw mine;
      });
      await expect(throwing).rejects.toBe(mine);
      expect(decided).toBe(1);
      expect(await tested.store.append(session.id, patching({ status: 'error' }))).toMatchObject({
        session: { revision: 2 },
      });
    });

  test('decides every command on the state that the one before it left', async () => {
    const { session } = await create();
    const seen: number[] = [];
    const counted = Array.from({ length: 200 }, (_, n) =>
      tested.store.append(session.id, (current) => {
        seen.push(current.revision);
        return patching({ stepsCompleted: [`step-${n}`] })(current);
      }),
    );
    await Promise.all(counted);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    expect((await tested.store.read(session.id))!.session.stepsCompleted).toHaveLength(200);
  });

  test('loses nothing of 200 mixed commands at once, and the readers beside them see only prefixes', async () => {
    const { session } = await create();
    const prefixes: string[][] = [];
    const reading = async () => {
      const events = await allEvents(tested.store, session.id, 50);
      prefixes.push(events.map((event) => event.hash));
    };
    const commands = Array.from({ length: 200 }, (_, n) => {
      const kinds: SessionPatch[] = [
        { stepsCompleted: [`s${n}`] },
        { timing: { [`t${n}_ms`]: n } },
        { outputs: { [`o${n}`]: { n } } },
        { labels: { [`l${n % 30}`]: `${n}` } },
        // Of these the first is an event, the others find it done.
        { status: 'requirement_submitted' },
      ];
      return tested.store.append(session.id, patching(kinds[n % 5]!));
    });
    await Promise.all([...commands, ...Array.from({ length: 20 }, reading)]);
    const { session: after } = (await tested.store.read(session.id))!;
    expect(after.status).toBe('requirement_submitted');
    expect(after.stepsCompleted).toHaveLength(40);
    expect(Object.keys(after.timing)).toHaveLength(40);
    expect(Object.keys(after.outputs)).toHaveLength(40);
    const events = await allEvents(tested.store, session.id);
    expect(events).toHaveLength(1 + 4 * 40 + 1);
    const hashes = events.map((event) => event.hash);
    for (const prefix of prefixes) expect(prefix).toEqual(hashes.slice(0, prefix.length));
  });

  test('takes a session away with its trail, for good', async () => {
    const { session } = await create();
    await tested.store.append(session.id, patching({ stepsCompleted: ['a'] }));
    expect(await tested.store.remove(session.id)).toBe(true);
    expect(await tested.store.read(session.id)).toBeUndefined();
    expect(await tested.store.remove(session.id)).toBe(false);
    await tested.reopen();
    expect(await tested.store.read(session.id)).toBeUndefined();
    expect(await tested.store.list({ limit: 10, counted: true })).toEqual({
      sessions: [],
      total: 0,
      next: null,
      complete: true,
    });
  });
}
