/** Several stores over one database, as several servers are: no fork, no loss, one set of tables. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';

let database: FreshDatabase;
const stores: PostgresStore[] = [];

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await database.drop();
});

async function open(): Promise<PostgresStore> {
  const store = await PostgresStore.open({ url: database.url });
  stores.push(store);
  return store;
}

test('ten that start on an empty database at the same moment make its tables once, and are one store', async () => {
  const ten = await Promise.all(Array.from({ length: 10 }, open));
  expect(await command('SELECT version FROM session_migrations', database.url)).toEqual([{ version: 1 }]);
  const { session } = await ten[0]!.create(idsAt(BORN), opening('me'));
  for (const [n, store] of ten.entries())
    await store.append(session.id, patching({ stepsCompleted: [`s${n}`] }));
  expect(await ten[9]!.verify(session.id)).toMatchObject({ valid: true, events: 11 });
});

test('1,000 commands on one session through two of them, all at once: each is there once, and the chain holds', async () => {
  const [one, other] = [await open(), await open()];
  const { session } = await one.create(idsAt(BORN), opening('me'));
  const names = Array.from({ length: 1_000 }, (_, n) => `s${n}`);
  await Promise.all(
    names.map((name, n) => (n % 2 ? one : other).append(session.id, patching({ stepsCompleted: [name] }))),
  );
  for (const store of [one, other]) {
    expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 1_001, problems: [] });
    const { stepsCompleted, revision } = (await store.read(session.id))!.session;
    expect([...stepsCompleted].sort()).toEqual([...names].sort());
    expect(revision).toBe(1_001);
  }
  const events = await allEvents(one, session.id);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_001 }, (_, n) => n));
});

test('months that begin in several of them at once get one partition each, while others list and count', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, open));
  const months = Array.from({ length: 24 }, (_, n) => new Date(Date.UTC(2023, n, 15)));
  const made = await Promise.all(
    all.flatMap((store, n) =>
      months.map(async (at) => {
        const { session } = await store.create(idsAt(at, n * 1_000), opening(null, at));
        await store.list({ limit: 5, counted: true });
        await store.stats({});
        return session.id;
      }),
    ),
  );
  const { total } = await all[0]!.list({ limit: 1, counted: true });
  expect([new Set(made).size, total]).toEqual([96, 96]);
  const partitions = `SELECT count(*)::int AS n FROM pg_inherits WHERE inhparent = 'sessions'::regclass`;
  expect(await command(partitions, database.url)).toEqual([{ n: 24 + 2 }]);
});

test('a key that is used through two of them at once makes one session', async () => {
  const two = [await open(), await open()];
  const keyed = opening(null, BORN, {
    idempotency: { key_sha256: 'a'.repeat(64), request_sha256: 'b'.repeat(64) },
  });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => two[n % 2]!.create(idsAt(BORN, n * 10), keyed)),
  );
  const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.session.id] : []));
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(new Set(made).size).toBe(1);
  expect(new Set([...refused, 'IdempotencyKeyInUseError'])).toEqual(new Set(['IdempotencyKeyInUseError']));
  expect((await two[0]!.list({ limit: 1, counted: true })).total).toBe(1);
});
