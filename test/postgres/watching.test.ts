/** Who watches one store is told what is changed through another, whatever becomes of notices and connections. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { CHANGED } from '../../src/session/store/postgres/change-feed.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { Told } from '../../src/testing/contract/watching.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';
import { PostgresServer } from './postgres-server.js';

let database: FreshDatabase;
let one: PostgresStore;
let other: PostgresStore;
const warnings: string[] = [];
const ended: (() => unknown)[] = [];

beforeEach(async () => {
  warnings.length = 0;
  database = await freshDatabase();
  [one, other] = [await open(database.url), await open(database.url)];
});

afterEach(async () => {
  for (const end of ended.splice(0)) await end();
  await Promise.all([one.close(), other.close()]);
  await database.drop();
});

const open = (url: string) =>
  PostgresStore.open({ url, poolSize: 4, warn: (message) => warnings.push(message) });
const create = (first = 0, store = other) => store.create(idsAt(BORN, first, 10_000), opening('me'));
const append = (id: string, step: string, store = other) =>
  store.append(id, patching({ stepsCompleted: [step] }));

async function watch(store: PostgresStore): Promise<Told> {
  const told = await Told.by(store);
  ended.push(() => told.end());
  return told;
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(database.url);
  await client.connect();
  ended.push(() => client.end());
  return client;
}

/** As a store does whose process ends before it can say that it has: no notice is given. */
const ADD_AN_EVENT = `
  WITH changed AS (UPDATE sessions SET revision = revision + 1 WHERE id = $1 RETURNING revision)
  INSERT INTO session_events (session_id, seq, line) SELECT $1, revision - 1, '{}' FROM changed`;

test('a change through one is told to who watches the other within a second', async () => {
  const told = await watch(one);
  const { session } = await create();
  const took: number[] = [];
  for (let n = 0; n < 20; n++) {
    const begun = performance.now();
    await append(session.id, `s${n}`);
    await told.until(session.id, n + 2);
    took.push(performance.now() - begun);
  }
  expect(Math.max(...took)).toBeLessThan(1_000);
});

test('a change of which nobody gives notice is told within a second all the same', async () => {
  const { session } = await create();
  const told = await watch(one);
  const client = await connect();
  for (let n = 0; n < 3; n++) {
    const begun = performance.now();
    await client.query(ADD_AN_EVENT, [session.id]);
    await told.until(session.id, n + 2);
    expect(performance.now() - begun).toBeLessThan(1_000);
  }
});

test('a change that took longer than later ones did is not passed over', async () => {
  const { session } = await create();
  const told = await watch(one);
  const slow = await connect();
  await slow.query('BEGIN');
  await slow.query(ADD_AN_EVENT, [session.id]);
  for (let n = 1; n <= 5; n++) {
    const quick = await create(n);
    await told.until(quick.session.id, 1);
  }
  expect(told.latest(session.id)).toBeUndefined();
  await slow.query('COMMIT');
  await told.until(session.id, 2);
});

test('beside a transaction that has been open for long, what was written since is not read at each look', async () => {
  const long = await connect();
  await long.query('BEGIN; SELECT pg_current_xact_id()');
  const latest = 'SELECT transaction_id FROM session_events ORDER BY 1 DESC LIMIT 1';
  const moment = `SELECT pg_current_snapshot()::text AS snapshot, (${latest})::text AS latest`;
  for (let n = 0; n < 200; n++) await create(n);
  const [seen] = await command(moment, database.url);
  const { session } = await create(200);
  await command('VACUUM (ANALYZE) session_events', database.url);
  const values = [seen!.snapshot, seen!.latest];
  expect(await command(CHANGED, database.url, values)).toEqual([{ id: session.id, revision: 1 }]);
  const explained = await command(`EXPLAIN (ANALYZE, FORMAT JSON) ${CHANGED}`, database.url, values);
  const read = [...JSON.stringify(explained).matchAll(/"(?:Actual Rows|Rows Removed by Filter)":(\d+)/g)];
  expect(read.length).toBeGreaterThan(0);
  expect(Math.max(...read.map(([, rows]) => Number(rows)))).toBeLessThan(10);
});

test('what is rolled back is told to nobody', async () => {
  const { session } = await create();
  const told = await watch(one);
  const client = await connect();
  await client.query('BEGIN');
  await client.query(ADD_AN_EVENT, [session.id]);
  await client.query('ROLLBACK');
  const after = await create(1);
  await told.until(after.session.id, 1);
  expect(told.latest(session.id)).toBeUndefined();
});

test('who watches is told, and health answers, though all connections of the store wait for something', async () => {
  const { session } = await create();
  const told = await watch(one);
  const holding = await connect();
  await holding.query('BEGIN');
  await holding.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
  const made = await Promise.all(Array.from({ length: 6 }, (_, n) => create(n + 1)));
  await holding.query('SELECT FROM sessions FOR UPDATE');
  const waiting = made.slice(0, 5).map((other) => append(other.session.id, 'a', one));
  const begun = performance.now();
  const last = await create(100);
  await told.until(last.session.id, 1);
  expect(performance.now() - begun).toBeLessThan(1_500);
  expect(await one.health()).toEqual({ writable: true });
  await holding.query('ROLLBACK');
  await Promise.all(waiting);
});

test('what was restored from another server, where transactions had higher numbers, is not told again and again', async () => {
  const told = await watch(one);
  await command(
    "INSERT INTO session_events (session_id, seq, line, transaction_id) VALUES ('restored', 0, '{}', '999999999')",
    database.url,
  );
  for (let n = 0; n < 3; n++) {
    const { session } = await create(n);
    await told.until(session.id, 1);
  }
  expect(told.latest('restored')).toBeUndefined();
});

test('each of 3,000 sessions that are made in one moment is told', async () => {
  const told = await watch(one);
  const client = await connect();
  const { session } = await create(0x9999);
  const makeAll = `
    INSERT INTO session_events (session_id, seq, line)
    SELECT 'sess_20240115_103045_' || lpad(to_hex(n), 6, '0'), 0, '{}' FROM generate_series(1, 3000) n`;
  await client.query(makeAll);
  // They come in no order.
  await told.until(session.id, 1);
  for (let n = 1; n <= 3_000; n++)
    await told.until(`sess_20240115_103045_${n.toString(16).padStart(6, '0')}`, 1);
  expect(new Set(told.changes.map(({ id }) => id)).size).toBe(3_001);
});

test('others are given notice of changes, and of many at once not of each', async () => {
  const client = await connect();
  let notices = 0;
  client.on('notification', () => notices++);
  await client.query('LISTEN impact_session_changed');
  await Promise.all(Array.from({ length: 100 }, (_, n) => create(n)));
  while (notices === 0) await pause(5);
  expect(notices).toBeLessThan(50);
});

test('notices come again after the connection that hears them was cut', async () => {
  const told = await watch(one);
  const listening = `
    SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
  const heard = async () => {
    while ((await command(listening, database.url))[0]!.n !== 1) await pause(20);
  };
  await heard();
  await command(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    database.url,
  );
  await heard();
  const { session } = await create();
  await told.until(session.id, 1);
});

test('a store that hears notices gives back what it took when it is closed', async () => {
  await watch(one);
  await one.close();
  await other.close();
  const left = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'impact-session'`;
  while ((await command(left, database.url))[0]!.n !== 0) await pause(20);
});

/** Numbers of transactions that leave nothing on the disk, so that after a crash the server gives them again. */
async function useUpNumbers(url: string): Promise<void> {
  await command("ALTER SYSTEM SET wal_writer_delay = '10s'", url);
  await command('SELECT pg_reload_conf()', url);
  for (let n = 0; n < 50; n++) await command('BEGIN; SELECT pg_current_xact_id(); ROLLBACK', url);
  // Two looks, of which the later one has seen them.
  await pause(1_200);
}

test('what is changed after the server was away is told, and that it could not be seen is warned of once', async () => {
  const server = await PostgresServer.start();
  ended.push(() => server.stop());
  const store = await open(server.url('postgres'));
  ended.push(() => store.close());
  const told = await watch(store);
  const { session } = await create(0, store);
  await told.until(session.id, 1);
  await useUpNumbers(server.url('postgres'));
  await server.kill();
  while (!warnings.some((message) => message.includes('it cannot be seen what is changed'))) await pause(20);
  await server.run();
  await append(session.id, 'a', store);
  await told.until(session.id, 2);
  expect(warnings.filter((message) => message.includes('it cannot be seen'))).toHaveLength(1);
});
