/** A database that follows another one, and takes its place: what a store over it makes of either. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import type { SessionStore } from '../../src/session/store/session-store.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { Told } from '../../src/testing/contract/watching.js';
import { command } from './fresh-database.js';
import { PostgresServer } from './postgres-server.js';

let primary: PostgresServer;
let standby: PostgresServer;
let written: PostgresStore;
let read: PostgresStore;

const open = (server: PostgresServer) => PostgresStore.open({ url: server.url('postgres'), poolSize: 4 });

beforeEach(async () => {
  primary = await PostgresServer.start();
  await (await open(primary)).close();
  standby = await primary.standby();
  // From now on a commit waits until the standby has it on its disk.
  await command("ALTER SYSTEM SET synchronous_standby_names = 'standby'", primary.url('postgres'));
  await command('SELECT pg_reload_conf()', primary.url('postgres'));
  const follows = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'";
  while ((await command(follows, primary.url('postgres'))).length === 0) await pause(20);
  [written, read] = [await open(primary), await open(standby)];
});

afterEach(async () => {
  await Promise.all([written.close(), read.close()]);
  await standby.stop();
  await primary.stop();
});

const create = (first = 0) => written.create(idsAt(BORN, first), opening('me'));

/** A standby has what was committed a moment later. */
async function seen(store: SessionStore, id: string, revision: number): Promise<void> {
  while ((await store.read(id))?.session.revision !== revision) await pause(5);
}

test('a standby is read as its primary is, takes no change, and says so of its health', async () => {
  const { session } = await create();
  await written.append(session.id, patching({ stepsCompleted: ['a'], labels: { team: 'payments' } }));
  await seen(read, session.id, 3);
  expect(await read.read(session.id)).toEqual(await written.read(session.id));
  expect(await allEvents(read, session.id)).toEqual(await allEvents(written, session.id));
  const filter = { labels: { team: 'payments' } };
  expect(await read.list({ filter, limit: 5, counted: true })).toMatchObject({
    total: 1,
    sessions: [{ id: session.id }],
  });
  expect(await read.stats({})).toEqual(await written.stats({}));
  expect(await read.verify(session.id)).toMatchObject({ valid: true, events: 3 });
  const refused = { code: 'StoreUnavailableError', outcome: 'not_applied' };
  await expect(read.append(session.id, patching({ stepsCompleted: ['b'] }))).rejects.toMatchObject(refused);
  await expect(read.create(idsAt(BORN, 9), opening())).rejects.toMatchObject(refused);
  expect(await read.health()).toEqual({ writable: false, reason: 'the database is a standby' });
});

test('who watches a standby is told what is changed on its primary, also what took longer than later changes did', async () => {
  const told = await Told.by(read);
  const { session } = await create();
  await told.until(session.id, 1);
  const slow = new pg.Client(primary.url('postgres'));
  await slow.connect();
  await slow.query('BEGIN');
  await slow.query(
    "INSERT INTO session_events (session_id, seq, line) VALUES ('sess_20240115_103045_5105e0', 0, '{}')",
  );
  for (let n = 1; n <= 3; n++) {
    const quick = await create(n);
    await told.until(quick.session.id, 1);
  }
  await slow.query('COMMIT');
  await told.until('sess_20240115_103045_5105e0', 1);
  told.end();
  await slow.end();
});

test('promoted under load, it has what was acknowledged, and the store over it goes on', async () => {
  const acknowledged: string[] = [];
  let isOver = false;
  const work = async (first: number) => {
    for (let n = 0; !isOver; n++) {
      const { session } = await create(first + n);
      acknowledged.push(session.id);
    }
  };
  const load = Promise.allSettled([0, 0x10000, 0x20000, 0x30000].map(work));
  while (acknowledged.length < 100) await pause(5);
  await primary.kill();
  isOver = true;
  await load;
  await command('SELECT pg_promote()', standby.url('postgres'));
  for (const id of acknowledged) expect((await read.verify(id))?.valid).toBe(true);
  expect(await read.append(acknowledged[0]!, patching({ stepsCompleted: ['after'] }))).toMatchObject({
    session: { revision: 2 },
  });
  expect(await read.health()).toEqual({ writable: true });
  await primary.run();
});
