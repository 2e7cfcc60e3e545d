/**
 * Copies between stores whose sides change meanwhile: what was not the same when it was compared is found, and copied
 * anew, at once or by the next copy. And servers that have the database open since before another store was copied into it.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type CopyOutcome, copySessions } from '../../src/session/store/copy-sessions.js';
import { FolderSource } from '../../src/session/store/file/folder-source.js';
import { DatabaseSource } from '../../src/session/store/postgres/database-source.js';
import { DatabaseTarget } from '../../src/session/store/postgres/database-target.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import type { CopySource } from '../../src/session/store/session-copy.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';
import { CUT, FIND_NO_PARTITION } from './mishaps.js';

const makeFolder = dataFolders();
const id = (n: number) => `sess_20240115_103045_00000${n}`;
let database: FreshDatabase;
let folder: DataFolder;

beforeEach(async () => {
  database = await freshDatabase();
  folder = await makeFolder();
  const store = await folder.open();
  for (let n = 0; n < 4; n++) await store.create(idsAt(BORN, n), opening('me'));
  await folder.closeAll();
});

afterEach(() => database.drop());

/** What is done when everything is copied and nothing was compared yet, while that is done, or when it is. */
interface Meanwhile {
  readonly beforeComparing?: () => Promise<unknown>;
  readonly whileComparing?: () => Promise<unknown>;
  readonly afterComparing?: () => Promise<unknown>;
  readonly beforeComparingAgain?: () => Promise<unknown>;
}

async function copied(source: CopySource, url: string, meanwhile: Meanwhile = {}): Promise<CopyOutcome> {
  const target = await DatabaseTarget.open(url);
  const acts = [meanwhile.beforeComparing, meanwhile.afterComparing, meanwhile.beforeComparingAgain];
  let stamps = 0;
  const stamp = async () => {
    await acts[stamps++]?.();
    const before = await source.stamp();
    if (stamps === 1) await meanwhile.whileComparing?.();
    return before;
  };
  const watched: CopySource = {
    storeId: source.storeId,
    count: () => source.count(),
    entries: () => source.entries(),
    read: (entries, at) => source.read(entries, at),
    missing: (ids) => source.missing(ids),
    close: () => source.close(),
    stamp,
  };
  try {
    return await copySessions(watched, target, { leaveDamaged: false });
  } finally {
    await target.close();
    await source.close();
  }
}

const fromFolder = async (meanwhile?: Meanwhile) =>
  copied(await FolderSource.open({ path: folder.path }), database.url, meanwhile);

test('A connection that does not see a partition yet keeps no session from being copied', async () => {
  await (await PostgresStore.open({ url: database.url })).close();
  await command(FIND_NO_PARTITION(3), database.url);
  expect(await fromFolder()).toMatchObject({ finished: true, sessions: 4, copied: 4, notCopyable: 0 });
});

describe('What is not the same when it is compared', () => {
  test('because the source was changed after it was copied, is copied and compared anew', async () => {
    const change = async () => {
      const store = await folder.open();
      await store.append(id(0), patching({ stepsCompleted: ['late'] }));
      await store.remove(id(1));
      await store.create(idsAt(BORN, 4), opening('late'));
      await folder.closeAll();
    };
    expect(await fromFolder({ beforeComparing: change })).toMatchObject({
      finished: true,
      sessions: 4,
      events: 5,
      copied: 4,
      copiedAgain: 2,
      changed: 0,
    });
    const store = await PostgresStore.open({ url: database.url });
    expect((await store.read(id(0)))!.session.stepsCompleted).toEqual(['late']);
    expect(await store.read(id(1))).toBeUndefined();
    await store.close();
  });

  test('because somebody wrote between comparing and its end, is put right by the next command', async () => {
    const write = async () => {
      const store = await folder.open();
      await store.append(id(0), patching({ stepsCompleted: ['late'] }));
      await folder.closeAll();
    };
    const first = await fromFolder({ afterComparing: write });
    expect(first).toMatchObject({ finished: false, sessions: 4, changed: 0, sourceInUse: true });
    await expect(PostgresStore.open({ url: database.url })).rejects.toMatchObject({ fault: 'half_copied' });
    expect(await fromFolder()).toMatchObject({
      finished: true,
      sessions: 4,
      events: 5,
      copied: 0,
      copiedAgain: 1,
      changed: 0,
      sourceInUse: false,
    });
  });

  test('again and again, ends the command, which has taken it away', async () => {
    const damage = () =>
      command(
        `UPDATE session_events SET line = replace(line, 'me', 'you') WHERE session_id = '${id(2)}'`,
        database.url,
      );
    expect(await fromFolder({ beforeComparing: damage, beforeComparingAgain: damage })).toMatchObject({
      finished: false,
      there: 3,
      sessions: 3,
      changed: 1,
      sourceInUse: false,
    });
  });

  test.each([
    [
      'a line',
      `UPDATE session_events SET line = replace(line, '"me"', '"you"') WHERE session_id = '${id(2)}'`,
    ],
    ['a line less', `DELETE FROM session_events WHERE session_id = '${id(2)}'`],
    ['a session less', `DELETE FROM sessions WHERE id = '${id(2)}'`],
    ['the number of events', `UPDATE sessions SET revision = 7 WHERE id = '${id(2)}'`],
  ])('because the target has another %s, is found, and put right', async (_what, damage) => {
    const alter = { beforeComparing: () => command(damage, database.url) };
    expect(await fromFolder(alter)).toMatchObject({
      finished: true,
      sessions: 4,
      events: 4,
      copiedAgain: 1,
    });
  });
});

describe('A source that is used while it is compared', () => {
  test('is noticed where it is a folder, by its lock file', async () => {
    const use = { whileComparing: async () => (await folder.open()).close() };
    expect(await fromFolder(use)).toMatchObject({ finished: false, changed: 0, sourceInUse: true });
    const hold = { whileComparing: () => folder.open() };
    expect(await fromFolder(hold)).toMatchObject({ finished: false, sourceInUse: true });
    await folder.closeAll();
    const allTheTime = { beforeComparing: () => folder.open() };
    expect(await fromFolder(allTheTime)).toMatchObject({ finished: false, sourceInUse: true });
    await folder.closeAll();
    expect(await fromFolder()).toMatchObject({ finished: true, sourceInUse: false });
  });

  test('is noticed where it is a database', async () => {
    expect(await fromFolder()).toMatchObject({ finished: true });
    const server = await PostgresStore.open({ url: database.url });
    const to = await freshDatabase();
    const next = async (meanwhile?: Meanwhile) =>
      copied(await DatabaseSource.open(database.url), to.url, meanwhile);
    const append = { whileComparing: () => server.append(id(0), patching({ stepsCompleted: ['late'] })) };
    expect(await next(append)).toMatchObject({ finished: false, sourceInUse: true });
    const remove = { whileComparing: () => server.remove(id(3)) };
    expect(await next(remove)).toMatchObject({ finished: false, sourceInUse: true });
    expect(await next()).toMatchObject({ finished: true, sessions: 3, events: 4 });
    await server.close();
    await to.drop();
  });
});

describe('A server that has the database open since before a store was copied into it', () => {
  const refused = {
    code: 'StoreUnavailableError',
    outcome: 'not_applied',
    cause: { message: expect.stringMatching(/another store was copied .*: restart this server$/) },
  };
  const keyed = { idempotency: { key_sha256: 'a'.repeat(64), request_sha256: 'b'.repeat(64) } };
  let server: PostgresStore;

  beforeEach(async () => {
    server = await PostgresStore.open({ url: database.url });
  });

  afterEach(() => server.close());

  test('makes, changes, removes and verifies nothing, and says why', async () => {
    await fromFolder();
    await expect(server.create(idsAt(BORN, 9), opening())).rejects.toMatchObject(refused);
    await expect(server.create(idsAt(BORN, 9), opening(null, BORN, keyed))).rejects.toMatchObject(refused);
    await expect(server.append(id(0), patching({ stepsCompleted: ['a'] }))).rejects.toMatchObject(refused);
    await expect(server.remove(id(0))).rejects.toMatchObject(refused);
    await expect(server.verify(id(0))).rejects.toMatchObject(refused);
    expect(await server.health()).toEqual({ writable: false, reason: refused.cause.message });
    const again = await PostgresStore.open({ url: database.url });
    const { session } = await again.create(idsAt(BORN, 9), opening());
    await again.append(id(0), patching({ stepsCompleted: ['a'] }));
    for (const one of [session.id, id(0)]) expect(await again.verify(one)).toMatchObject({ valid: true });
    expect((await again.list({ limit: 1, counted: true })).total).toBe(5);
    await again.close();
  });

  test('writes nothing either while that is under way', async () => {
    const why = /a copy of another store into the database is not finished: restart this server/;
    const underWay = { ...refused, cause: { message: expect.stringMatching(why) } };
    const meanwhile = async () => {
      await expect(server.create(idsAt(BORN, 9), opening())).rejects.toMatchObject(underWay);
      await expect(server.append(id(0), patching({ stepsCompleted: ['a'] }))).rejects.toMatchObject(underWay);
      await expect(server.remove(id(0))).rejects.toMatchObject(underWay);
      expect(await server.health()).toEqual({ writable: false, reason: expect.stringMatching(why) });
    };
    const outcome = await fromFolder({ beforeComparing: meanwhile });
    expect(outcome).toMatchObject({ finished: true, sessions: 4, changed: 0 });
  });

  test.each(['read committed', 'repeatable read'])(
    'that makes a session at the very moment when the copy begins: one of them comes first, by default %s',
    async (isolation) => {
      await command(
        `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET default_transaction_isolation = '${isolation}'`,
      );
      await command(CUT, database.url);
      // Its partition is there: what waits is the statement that makes a session.
      await server.create(idsAt(BORN, 9), opening());
      await server.remove(id(9));
      const client = new pg.Client(database.url);
      await client.connect();
      // As begin does it, and slowly: the server's statement comes while the table is locked, and waits.
      await client.query('BEGIN');
      await client.query('LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE');
      await client.query("UPDATE session_store SET store_id = 'another', copied_since = now()");
      const made = server.create(idsAt(BORN, 9), opening()).catch((error) => error);
      const waits =
        "SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'sessions'::regclass";
      while ((await command(waits, database.url))[0]!.n === 0) await pause(5);
      await client.query('COMMIT');
      await client.end();
      expect(await made).toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
      expect(await command('SELECT count(*)::int AS n FROM sessions', database.url)).toEqual([{ n: 0 }]);
    },
  );

  test('whose session is under way when a copy begins: the copy waits, and is refused', async () => {
    const client = new pg.Client(database.url);
    await client.connect();
    await client.query('BEGIN');
    const row = "'{}', '{}', to_tsvector(''), '', '', '{}', 1, 1";
    const columns = 'labels, timing, words, listed, state, outputs, revision, log_bytes';
    await client.query(
      `INSERT INTO sessions (id, created_at, status, ${columns}) VALUES ('old1', now(), 'created', ${row})`,
    );
    const copying = fromFolder().catch((error) => error);
    const waits =
      "SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'sessions'::regclass";
    while ((await command(waits, database.url))[0]!.n === 0) await pause(5);
    await client.query('COMMIT');
    await client.end();
    expect(await copying).toMatchObject({ fault: 'not_empty' });
  });
});
