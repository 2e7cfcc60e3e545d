/** How a database may be set up, what its users may do, and which language it speaks: what a store makes of it. */

import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';
import { CUT } from './mishaps.js';
import { PostgresServer } from './postgres-server.js';

let database: FreshDatabase;
let store: PostgresStore;

beforeEach(async () => {
  database = await freshDatabase();
  store = await PostgresStore.open({ url: database.url, poolSize: 4 });
});

afterEach(async () => {
  await store.close();
  await database.drop();
});

/** A default of the database, for connections that are made from now on. */
const set = (setting: string) =>
  command(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET ${setting}`);

/** Writes down under which settings sessions are changed. */
const SEE = `
  CREATE TABLE seen (isolation text, locks text, idle text, statement text);
  CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (
    current_setting(''transaction_isolation''), current_setting(''lock_timeout''),
    current_setting(''idle_in_transaction_session_timeout''), current_setting(''statement_timeout'')); RETURN NULL; END';
  CREATE TRIGGER see AFTER INSERT OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION see()`;

const create = (first = 0) => store.create(idsAt(BORN, first), opening('me'));

test.each(['sslmod=verify-full', 'sslmode=disable&channel_binding=require'])(
  'an address that asks for what nobody would do is not used: %s',
  async (parameters) => {
    const url = `${database.url}${database.url.includes('?') ? '&' : '?'}${parameters}`;
    const name = parameters.includes('sslmod=') ? 'sslmod' : 'channel_binding';
    const opened = PostgresStore.open({ url });
    await expect(opened).rejects.toMatchObject({
      fault: 'not_reachable',
      message: expect.stringMatching(
        new RegExp(`^The address of the database has a parameter that is not known, ${name}: known are host`),
      ),
    });
  },
);

test.each(['sslmode=verify-fulll', 'sslmode=', 'sslmode=verify-full&sslmode=disable', 'ssl=treu', 'ssl=0'])(
  'nor one that asks for TLS in words that are none: %s',
  async (parameters) => {
    const url = `${database.url}${database.url.includes('?') ? '&' : '?'}${parameters}`;
    await expect(PostgresStore.open({ url })).rejects.toMatchObject({ fault: 'not_reachable' });
  },
);

test.each(['me:12?nobody&may-read=this@host/database', 'host/database?password=nobody&may-read-this'])(
  'the rest of a password that was not encoded is not taken for a parameter and told: %s',
  async (address) => {
    const opened = PostgresStore.open({ url: `postgres://${address}` });
    await expect(opened).rejects.toMatchObject({
      code: 'StoreOpenError',
      message: expect.not.stringMatching(/nobody|may-read/),
    });
  },
);

test('a folder in the place of a certificate is told as a file that cannot be read', async () => {
  const url = 'postgres://me@host/database?sslmode=verify-full&sslrootcert=/tmp';
  await expect(PostgresStore.open({ url })).rejects.toThrow(/names a file that cannot be read/);
});

test('each change says what it needs, whatever the database has as its default', async () => {
  await set("default_transaction_isolation = 'serializable'");
  const { session } = await create();
  await command(SEE, database.url);
  await command(CUT, database.url);
  await store.append(session.id, patching({ stepsCompleted: ['a'] }));
  await create(1);
  const needed = { isolation: 'read committed', locks: '10s', idle: '10s', statement: '1min' };
  expect(await command('SELECT * FROM seen', database.url)).toEqual([needed, needed]);
});

test('but for how long a statement may take, where its operator has set that', async () => {
  await set("statement_timeout = '7s'");
  await command(SEE, database.url);
  await command(CUT, database.url);
  await create();
  expect(await command('SELECT statement FROM seen', database.url)).toEqual([{ statement: '7s' }]);
});

test('what takes longer than that is not there, and the next one is asked on the same connection', async () => {
  await set("statement_timeout = '1s'");
  const one = await PostgresStore.open({ url: database.url, poolSize: 1 });
  const { session } = await one.create(idsAt(BORN), opening());
  const connected = `
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'impact-session' AND state = 'idle' ORDER BY 1`;
  const holding = new pg.Client(database.url);
  await holding.connect();
  await holding.query('BEGIN; LOCK TABLE sessions, session_events');
  const before = await command(connected, database.url);
  for (const late of [one.stats({}), one.create(idsAt(BORN, 1), opening())])
    await expect(late).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
  await holding.end();
  expect(await one.list({ limit: 5, counted: true })).toMatchObject({
    sessions: [{ id: session.id }],
    total: 1,
  });
  expect(await command(connected, database.url)).toEqual(before);
  await one.close();
});

test('what is acknowledged is on the disk, also where the database has become one that may lose it', async () => {
  await set('synchronous_commit = off');
  await command(
    `CREATE TABLE seen (commits text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
      INSERT INTO seen VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END';
    CREATE TRIGGER see AFTER INSERT OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION see()`,
    database.url,
  );
  await command(CUT, database.url);
  const { session } = await create();
  await store.append(session.id, patching({ stepsCompleted: ['a'] }));
  expect(await command('SELECT * FROM seen', database.url)).toEqual([{ commits: 'on' }, { commits: 'on' }]);
});

test('a half copied database is not opened, however it writes times', async () => {
  await command('UPDATE session_store SET copied_since = now()', database.url);
  await set("datestyle = 'German'");
  const opening = PostgresStore.open({ url: database.url });
  await expect(opening).rejects.toMatchObject({ code: 'StoreOpenError', fault: 'half_copied' });
  await expect(create()).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
});

test('numbers are told as they are, however the database writes them', async () => {
  await set('extra_float_digits = -10');
  await command(CUT, database.url);
  const { session } = await create();
  await store.append(session.id, patching({ timing: { search_ms: 123_456_789_012 } }));
  expect((await store.stats({})).timings).toMatchObject([{ p50: 123_456_789_012 }]);
});

test('a database that may lose what it acknowledged is not opened', async () => {
  await set('synchronous_commit = off');
  const opening = PostgresStore.open({ url: database.url });
  await expect(opening).rejects.toMatchObject({ code: 'StoreOpenError', fault: 'not_durable' });
});

test('a user who may only read and write rows can start on tables that are there', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await create();
  const role = `clerk_${name}`;
  await command(`CREATE ROLE ${role} LOGIN PASSWORD 'clerk'`);
  await command(
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
    database.url,
  );
  const url = new URL(database.url);
  [url.username, url.password] = [role, 'clerk'];
  const clerk = await PostgresStore.open({ url: url.href });
  const { session } = await clerk.create(idsAt(BORN, 1), opening());
  expect(await clerk.health()).toEqual({ writable: true });
  // The next month is somebody else's to make.
  const later = new Date('2024-02-01T00:00:00Z');
  await expect(clerk.create(idsAt(later), opening(null, later))).rejects.toMatchObject({
    code: 'StoreUnavailableError',
    outcome: 'not_applied',
  });
  await command(`REVOKE INSERT ON sessions FROM ${role}`, database.url);
  expect(await clerk.health()).toMatchObject({ writable: false, reason: expect.stringMatching(/no right/) });
  expect((await clerk.read(session.id))!.session.revision).toBe(1);
  await clerk.close();
  await command(`DROP OWNED BY ${role}`, database.url);
  await command(`DROP ROLE ${role}`);
});

test('a database that only reads is read, also by who starts now, and says so of its health', async () => {
  const { session } = await create();
  await set('default_transaction_read_only = on');
  await command(CUT, database.url);
  const started = await PostgresStore.open({ url: database.url });
  for (const one of [store, started]) {
    expect(await one.health()).toMatchObject({ writable: false, reason: expect.stringMatching(/read-only/) });
    expect(await one.read(session.id)).toMatchObject({ session: { id: session.id } });
    const appending = one.append(session.id, patching({ stepsCompleted: ['a'] }));
    await expect(appending).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
  }
  await started.close();
});

test('a database that has lost its id is not opened', async () => {
  await command('DELETE FROM session_store', database.url);
  const opening = PostgresStore.open({ url: database.url });
  await expect(opening).rejects.toMatchObject({ code: 'StoreOpenError', fault: 'not_readable' });
});

test('what a server says in another language as it ends a connection is understood', async () => {
  const server = await PostgresServer.start();
  const proxy = await translated(server);
  const translatedStore = await PostgresStore.open({ url: proxy.url });
  const { session } = await translatedStore.create(idsAt(BORN, 0), opening());
  const holding = new pg.Client(server.url('postgres'));
  await holding.connect();
  await holding.query('BEGIN; LOCK TABLE sessions');
  const made = translatedStore.create(idsAt(BORN, 1), opening()).catch((error) => error);
  const read = translatedStore.read(session.id);
  const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  while ((await command(waiting, server.url('postgres'))).length < 2) await pause(20);
  await command(CUT, server.url('postgres'));
  // Nobody can say what became of it; a question is asked again.
  expect(await made).toMatchObject({ code: 'StoreUnavailableError', outcome: 'unknown' });
  await holding.end();
  expect((await read)!.session.id).toBe(session.id);
  await translatedStore.close();
  await proxy.close();
  await server.stop();
});

test('two stores of one database, each in a schema of its own, keep nobody of the other waiting or away', async () => {
  const inSchema = async (schema: string) => {
    await command(`CREATE SCHEMA ${schema}`, database.url);
    const url = new URL(database.url);
    url.searchParams.set('options', `-c search_path=${schema}`);
    return PostgresStore.open({ url: url.href });
  };
  const two = [await inSchema('one'), await inSchema('other')];
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, n) => {
      const idempotency = {
        key_sha256: `${n >> 1}`.padStart(64, 'a'),
        request_sha256: 'b'.repeat(64),
      };
      return two[n % 2]!.create(idsAt(BORN, n * 10), opening(null, BORN, { idempotency }));
    }),
  );
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  for (const store of two) expect((await store.list({ limit: 1, counted: true })).total).toBe(20);
  await Promise.all(two.map((one) => one.close()));
});

/** Passes on what is said to a server, and its fatal errors as one that speaks another language. */
async function translated(server: PostgresServer): Promise<{ url: string; close(): Promise<void> }> {
  const socket = `${new URL(server.url('postgres')).searchParams.get('host')}/.s.PGSQL.5432`;
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(socket);
    for (const one of [client, upstream]) open.add(one.on('error', () => undefined));
    client.pipe(upstream);
    upstream.on('data', (said) =>
      client.write(said.toString('latin1').replace('SFATAL\0', 'SLETAL\0'), 'latin1'),
    );
    upstream.on('end', () => client.end());
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const { port } = proxy.address() as { port: number };
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
    close: () => {
      for (const one of open) one.destroy();
      return new Promise((closed) => proxy.close(() => closed()));
    },
  };
}
