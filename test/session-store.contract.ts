/**
 * The contract of the port `SessionStore`, as one suite that every store is run against. A store brings a small
 * harness; the suite brings the sentences.
 */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ASSESSMENT_LIFECYCLE } from '../src/session/domain/lifecycle.js';
import { decidePatch, type Session, type SessionPatch } from '../src/session/domain/session.js';
import type { EventDraft, SessionEvent } from '../src/session/domain/session-event.js';
import { makeSessionId } from '../src/session/domain/session-id.js';
import type { SessionStore, StoredSession } from '../src/session/store/session-store.js';

/** What a store brings: a fresh, empty store for each test, and the same store opened again after a clean stop. */
export interface StoreHarness {
  open(): Promise<SessionStore>;
  reopen(store: SessionStore): Promise<SessionStore>;
  destroy(store: SessionStore): Promise<void>;
}

export const BORN = new Date('2024-01-15T10:30:45.123Z');

/** Ids of one second with suffixes counted up, as many as asked for. */
export function* idsAt(at: Date, first = 0, count = 256): Iterable<string> {
  for (let n = first; n < first + count; n++) yield makeSessionId(at, n.toString(16).padStart(6, '0'));
}

export function opening(userId: string | null = null, at: Date = BORN) {
  const created: EventDraft = {
    type: 'session_created',
    data: { user_id: userId, status: 'created', labels: {} },
  };
  return { at, actor: userId, events: [created] };
}

/** Decides a patch as the service does. */
export function patching(patch: SessionPatch, at: Date = BORN) {
  return (session: Session) => ({
    at,
    actor: 'test',
    events: decidePatch(session, patch, { lifecycle: ASSESSMENT_LIFECYCLE }),
  });
}

/** All events of a session, by pages of `limit`. */
export async function allEvents(store: SessionStore, id: string, limit = 500): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for (let after: number | null | undefined; after !== null; ) {
    const page = await store.events(id, { after, limit });
    expect(page!.events.length).toBeLessThanOrEqual(limit);
    events.push(...page!.events);
    after = page!.nextAfter;
  }
  return events;
}

export function describeSessionStore(name: string, harness: StoreHarness): void {
  describe(`${name}, as a session store,`, () => {
    let store: SessionStore;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.destroy(store));

    const create = (first = 0, at = BORN) => store.create(idsAt(at, first), opening('me', at));

    test('gives a created session back, and after it was closed and opened again', async () => {
      const created = await create();
      expect(created.session).toMatchObject({ status: 'created', userId: 'me', revision: 1 });
      expect(created.session.createdAt).toBe('2024-01-15T10:30:45.123Z');
      expect(await store.read(created.session.id)).toEqual(created);
      store = await harness.reopen(store);
      expect(await store.read(created.session.id)).toEqual(created);
    });

    test('never gives an id twice: a taken one is passed over', async () => {
      const [first, second] = [await create(), await create()];
      expect(first.session.id).not.toBe(second.session.id);
      expect(await store.read(first.session.id)).toEqual(first);
    });

    test('says that no id was free when all are taken, and that nothing was done', async () => {
      await store.create(idsAt(BORN, 0, 1), opening());
      await expect(store.create(idsAt(BORN, 0, 1), opening())).rejects.toMatchObject({
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
        Array.from({ length: 1_000 }, (_, n) => store.create(randomly(), opening(`user-${n}`))),
      );
      expect(new Set(made.map(({ session }) => session.id)).size).toBe(1_000);
      expect((await store.list({ limit: 1, counted: true })).total).toBe(1_000);
      // None was written over by another: each is still its maker's.
      const kept = await Promise.all(made.map(({ session }) => store.read(session.id)));
      expect(kept.map((one) => one?.session.userId)).toEqual(made.map((_, n) => `user-${n}`));
    });

    test('answers undefined or false for what is not there', async () => {
      for (const id of [
        'sess_20240115_103045_ffffff',
        'sess_20240230_103045_ffffff',
        'no-such',
        '../x',
        '',
      ]) {
        expect(await store.read(id)).toBeUndefined();
        expect(await store.events(id, { limit: 10 })).toBeUndefined();
        expect(await store.append(id, patching({ status: 'error' }))).toBeUndefined();
        expect(await store.remove(id)).toBe(false);
      }
    });

    test('appends what was decided, all of it, in order', async () => {
      const { session } = await create();
      const patch = { status: 'requirement_submitted', stepsCompleted: ['a', 'b'], timing: { a_ms: 5 } };
      const changed = (await store.append(session.id, patching(patch))) as StoredSession;
      expect(changed.session).toMatchObject({
        status: 'requirement_submitted',
        stepsCompleted: ['a', 'b'],
        timing: { a_ms: 5 },
        revision: 5,
      });
      const events = await allEvents(store, session.id);
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
      store = await harness.reopen(store);
      expect(await store.read(session.id)).toEqual(changed);
      expect(await allEvents(store, session.id)).toEqual(events);
    });

    test('writes nothing when nothing was decided', async () => {
      const created = await create();
      expect(await store.append(created.session.id, patching({ status: 'created' }))).toEqual(created);
      expect(await allEvents(store, created.session.id)).toHaveLength(1);
    });

    test('throws on what the decision throws, the very same, and writes nothing', async () => {
      const { session } = await create();
      const mine = new Error('mine');
      const throwing = store.append(session.id, () => {
        throw mine;
      });
      await expect(throwing).rejects.toBe(mine);
      await expect(store.append(session.id, patching({ status: 'completed' }))).rejects.toMatchObject({
        code: 'InvalidSessionStateError',
      });
      expect(await allEvents(store, session.id)).toHaveLength(1);
      expect(await store.append(session.id, patching({ status: 'error' }))).toMatchObject({
        session: { revision: 2 },
      });
    });

    test('decides every command on the state that the one before it left', async () => {
      const { session } = await create();
      const seen: number[] = [];
      const counted = Array.from({ length: 200 }, (_, n) =>
        store.append(session.id, (current) => {
          seen.push(current.revision);
          return patching({ stepsCompleted: [`step-${n}`] })(current);
        }),
      );
      await Promise.all(counted);
      expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
      expect((await store.read(session.id))!.session.stepsCompleted).toHaveLength(200);
    });

    test('loses nothing of 200 mixed commands at once, and the readers beside them see only prefixes', async () => {
      const { session } = await create();
      const prefixes: string[][] = [];
      const reading = async () => {
        const events = await allEvents(store, session.id, 50);
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
        return store.append(session.id, patching(kinds[n % 5]!));
      });
      await Promise.all([...commands, ...Array.from({ length: 20 }, reading)]);
      const { session: after } = (await store.read(session.id))!;
      expect(after.status).toBe('requirement_submitted');
      expect(after.stepsCompleted).toHaveLength(40);
      expect(Object.keys(after.timing)).toHaveLength(40);
      expect(Object.keys(after.outputs)).toHaveLength(40);
      const events = await allEvents(store, session.id);
      expect(events).toHaveLength(1 + 4 * 40 + 1);
      const hashes = events.map((event) => event.hash);
      for (const prefix of prefixes) expect(prefix).toEqual(hashes.slice(0, prefix.length));
    });

    test('gives events by pages, and says where the next one begins', async () => {
      const { session } = await create();
      const stepsCompleted = Array.from({ length: 9 }, (_, n) => `s${n}`);
      await store.append(session.id, patching({ stepsCompleted }));
      const page = await store.events(session.id, { after: 2, limit: 3 });
      expect(page!.events.map((event) => event.seq)).toEqual([3, 4, 5]);
      expect(page).toMatchObject({ nextAfter: 5, revision: 10 });
      expect(await store.events(session.id, { after: 8, limit: 3 })).toMatchObject({ nextAfter: null });
      expect(await store.events(session.id, { after: 99, limit: 3 })).toMatchObject({
        events: [],
        nextAfter: null,
      });
      expect(await allEvents(store, session.id, 1)).toEqual(await allEvents(store, session.id));
    });

    test('verifies a trail: how many events it has, and the hash that they come to', async () => {
      const { session } = await create();
      const stepsCompleted = ['a', 'b', 'c'];
      await store.append(session.id, patching({ stepsCompleted }));
      const after = (await store.append(session.id, patching({ labels: { team: 'x' } }))) as StoredSession;
      const expected = { valid: true, events: 5, head: after.session.head, problems: [] };
      expect(await store.verify(session.id)).toEqual(expected);
      store = await harness.reopen(store);
      expect(await store.verify(session.id)).toEqual(expected);
      expect(await store.verify('sess_20240115_103045_ffffff')).toBeUndefined();
    });

    test('verifies a trail while it grows, and finds it whole each time', async () => {
      const { session } = await create();
      const appending = Array.from({ length: 60 }, (_, n) =>
        store.append(session.id, patching({ stepsCompleted: [`s${n}`] })),
      );
      const verified = await Promise.all(Array.from({ length: 20 }, () => store.verify(session.id)));
      await Promise.all(appending);
      expect(verified.map((outcome) => outcome?.problems)).toEqual(verified.map(() => []));
    });

    test('lists newest first, by pages, with the number of all', async () => {
      const days = [
        '2024-01-15T10:30:45Z',
        '2024-01-15T10:30:46Z',
        '2024-01-16T00:00:00Z',
        '2023-12-31T23:59:59Z',
      ];
      const ids: string[] = [];
      for (const day of days) ids.push((await create(0, new Date(day))).session.id);
      const newestFirst = [ids[2], ids[1], ids[0], ids[3]];
      const listed = async (limit: number, offset: number) => {
        const page = await store.list({ limit, offset, counted: true });
        expect(page.total).toBe(4);
        return page.sessions.map((one) => one.id);
      };
      expect(await listed(10, 0)).toEqual(newestFirst);
      expect(await listed(2, 1)).toEqual(newestFirst.slice(1, 3));
      expect(await listed(2, 3)).toEqual(newestFirst.slice(3));
      expect(await listed(2, 4)).toEqual([]);
    });

    test('takes a session away with its trail, for good', async () => {
      const { session } = await create();
      await store.append(session.id, patching({ stepsCompleted: ['a'] }));
      expect(await store.remove(session.id)).toBe(true);
      expect(await store.read(session.id)).toBeUndefined();
      expect(await store.remove(session.id)).toBe(false);
      store = await harness.reopen(store);
      expect(await store.read(session.id)).toBeUndefined();
      expect(await store.list({ limit: 10, counted: true })).toEqual({
        sessions: [],
        total: 0,
        next: null,
        complete: true,
      });
    });

    test('is writable until it is closed, and then refuses every call with a reason', async () => {
      const { session } = await create();
      expect(await store.health()).toEqual({ writable: true });
      await Promise.all([store.close(), store.close()]);
      expect(await store.health()).toEqual({ writable: false, reason: 'the store is closed' });
      const refused = { code: 'StoreUnavailableError', outcome: 'not_applied' };
      await expect(store.read(session.id)).rejects.toMatchObject(refused);
      await expect(store.append(session.id, patching({ status: 'error' }))).rejects.toMatchObject(refused);
      await expect(create(7)).rejects.toMatchObject(refused);
      await expect(store.list({ limit: 1, counted: true })).rejects.toMatchObject(refused);
      await expect(store.verify(session.id)).rejects.toMatchObject(refused);
      await expect(store.remove(session.id)).rejects.toMatchObject(refused);
    });

    test('finishes what it was asked for before it closes', async () => {
      const { session } = await create();
      let done = 0;
      const asked = Array.from({ length: 50 }, async (_, n) => {
        await store.append(session.id, patching({ stepsCompleted: [`s${n}`] }));
        done++;
      });
      await store.close();
      expect(done).toBe(50);
      await Promise.all(asked);
      store = await harness.reopen(store);
      expect((await store.read(session.id))!.session.stepsCompleted).toHaveLength(50);
    });
  });
}
