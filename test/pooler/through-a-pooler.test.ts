/** Stores behind a pooler of transactions: which it is, that no notice comes through it, and what holds all the same. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { Told } from '../../src/testing/contract/watching.js';
import { command, type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';

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

/** Asked of the database, and not through the pooler. */
function connections(): Promise<Record<string, unknown>[]> {
  const url = new URL(process.env.TEST_UNPOOLED_URL as string);
  url.pathname = new URL(database.url).pathname;
  const others = 'datname = current_database() AND pid <> pg_backend_pid()';
  return command(`SELECT pid FROM pg_stat_activity WHERE ${others}`, url.href);
}

test('it is one: a connection is another one of the database in its next transaction', async () => {
  const one = new pg.Client(database.url);
  const other = new pg.Client(database.url);
  await Promise.all([one.connect(), other.connect()]);
  const pidOf = async (client: pg.Client) =>
    (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  const before = await pidOf(one);
  await other.query('BEGIN');
  expect(await pidOf(other)).toBe(before);
  expect(await pidOf(one)).not.toBe(before);
  await Promise.all([one.end(), other.end()]);
});

test('a change through one store is told to who watches another within a second, without any notice', async () => {
  const [one, other] = [await open(), await open()];
  const told = await Told.by(one);
  const { session } = await other.create(idsAt(BORN), opening('me'));
  for (let n = 0; n < 5; n++) {
    await other.append(session.id, patching({ stepsCompleted: [`s${n}`] }));
    const begun = performance.now();
    await told.until(session.id, n + 2);
    expect(performance.now() - begun).toBeLessThan(1_000);
  }
  told.end();
});

test('five stores with fifty connections share eight of the database: of 1,000 commands half are on one session, which has one chain', async () => {
  const five = await Promise.all(Array.from({ length: 5 }, open));
  const { session } = await five[0]!.create(idsAt(BORN), opening('me'));
  const others = await Promise.all(
    Array.from({ length: 50 }, (_, n) => five[n % 5]!.create(idsAt(BORN, n * 100 + 1), opening('me'))),
  );
  const ids = Array.from({ length: 1_000 }, (_, n) => (n % 2 ? session.id : others[n % 50]!.session.id));
  await Promise.all(ids.map((id, n) => five[n % 5]!.append(id, patching({ stepsCompleted: [`s${n}`] }))));
  expect((await connections()).length).toBeLessThanOrEqual(8);
  for (const store of five)
    expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 501, problems: [] });
});
