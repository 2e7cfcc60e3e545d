/** What may befall a database, and what a caller of the store is told then: never a password, and what became of the change. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { StoreOpenError } from '../../src/session/domain/errors.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';
import { CUT, DIE_AT_COMMIT, FIND_NO_PARTITION } from './mishaps.js';

let database: FreshDatabase;
let store: PostgresStore;
const warnings: string[] = [];

beforeEach(async () => {
  warnings.length = 0;
  database = await freshDatabase();
  store = await PostgresStore.open({
    url: database.url,
    poolSize: 4,
    warn: (message) => warnings.push(message),
  });
});

afterEach(async () => {
  await store.close();
  await database.drop();
});

const create = (first = 0) => store.create(idsAt(BORN, first), opening('me'));

test('connections that were cut while nobody used them are nobody’s trouble', async () => {
  const { session } = await create();
  await command(CUT, database.url);
  expect((await store.read(session.id))!.session.id).toBe(session.id);
  await store.append(session.id, patching({ stepsCompleted: ['a'] }));
  expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 2 });
});

test('connections that are cut again and again: what was acknowledged is there once, what was refused is not', async () => {
  const { session } = await create();
  const [done, unknown] = [new Set<string>(), new Set<string>()];
  let going = true;
  const cutting = (async () => {
    for (let n = 0; n < 20; n++) {
      await command(CUT, database.url);
      await pause(30);
    }
    going = false;
  })();
  let next = 0;
  const writer = async () => {
    while (going) {
      const step = `s${next++}`;
      try {
        await store.append(session.id, patching({ stepsCompleted: [step] }));
        done.add(step);
      } catch (error) {
        expect(error).toMatchObject({ code: 'StoreUnavailableError' });
        if ((error as { outcome?: string }).outcome === 'unknown') unknown.add(step);
      }
    }
  };
  await Promise.all([cutting, ...Array.from({ length: 8 }, writer)]);
  const { stepsCompleted } = (await store.read(session.id))!.session;
  expect(done.size).toBeGreaterThan(0);
  expect(new Set(stepsCompleted).size).toBe(stepsCompleted.length);
  for (const step of done) expect(stepsCompleted).toContain(step);
  for (const step of stepsCompleted) expect(done.has(step) || unknown.has(step)).toBe(true);
  expect(await store.verify(session.id)).toMatchObject({ valid: true, events: stepsCompleted.length + 1 });
});

test('a change that is cut off before it can be committed is done again', async () => {
  const { session } = await create();
  const other = new pg.Client(database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT FROM sessions FOR UPDATE');
  const appending = store.append(session.id, patching({ stepsCompleted: ['a'] }));
  await waiting(1);
  await command(CUT, database.url);
  await waiting(1);
  await other.query('COMMIT');
  await other.end();
  expect((await appending)!.session.stepsCompleted).toEqual(['a']);
  expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 2 });
});

/** Resolves when so many connections wait for what others have locked. */
async function waiting(connections: number): Promise<void> {
  const WAITING =
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while ((await command(WAITING, database.url)).length !== connections) await pause(20);
}

test('a connection that is lost while a change is committed: what became of it is said to be unknown', async () => {
  const { session } = await create();
  await command(DIE_AT_COMMIT, database.url);
  const unknown = { code: 'StoreUnavailableError', outcome: 'unknown' };
  await expect(store.append(session.id, patching({ stepsCompleted: ['a'] }))).rejects.toMatchObject(unknown);
  await expect(create(7)).rejects.toMatchObject(unknown);
  await command('DROP TRIGGER die ON session_events', database.url);
  expect(
    (await store.append(session.id, patching({ stepsCompleted: ['b'] })))!.session.stepsCompleted,
  ).toEqual(['b']);
  expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 2 });
});

test('what a decision throws ends its transaction: others go on', async () => {
  const { session } = await create();
  const error = new Error('no');
  const refuse = () => {
    throw error;
  };
  for (let n = 0; n < 10; n++) await expect(store.append(session.id, refuse)).rejects.toBe(error);
  await store.append(session.id, patching({ stepsCompleted: ['a'] }));
  const idle = await command(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    database.url,
  );
  expect(idle).toEqual([{ n: 0 }]);
});

test.each([
  [
    'a line that was altered',
    `UPDATE session_events SET line = replace(line, '"me"', '"you"')`,
    'line_altered',
  ],
  ['a line that was taken away', 'DELETE FROM session_events WHERE seq = 1', 'events_missing'],
  ['a session whose events were taken away', 'DELETE FROM session_events', 'events_missing'],
])('%s is told by verify', async (_what, damage, kind) => {
  const { session } = await create();
  await store.append(session.id, patching({ stepsCompleted: ['a'] }));
  await command(damage, database.url);
  const { valid, problems } = (await store.verify(session.id))!;
  expect(valid).toBe(false);
  expect(problems.map((problem) => problem.kind)).toContain(kind);
});

test('texts that no column of a database can hold are kept, found and counted', async () => {
  const odd = ['a\0b', 'half \ud800 pair', '\u0001x'];
  for (const [n, name] of odd.entries())
    await store.create(idsAt(BORN, n), opening(name, BORN, { status: name, labels: { k: name } }));
  for (const name of odd) {
    const { sessions, total } = await store.list({
      filter: { userId: name, statuses: [name], labels: { k: name } },
      limit: 5,
      counted: true,
    });
    expect([sessions.map(({ userId, status }) => [userId, status]), total]).toEqual([[[name, name]], 1]);
  }
  const { statuses } = await store.stats({});
  expect(statuses.map(({ status }) => status).sort()).toEqual([...odd].sort());
});

describe('does not open', () => {
  const refusal = async (url: string): Promise<StoreOpenError> => {
    const opened = await PostgresStore.open({ url }).catch((error) => error);
    expect(opened).toBeInstanceOf(StoreOpenError);
    expect(JSON.stringify([opened.message, opened.toDict(), String(opened.cause)])).not.toContain('secret');
    return opened;
  };

  test('a database that is not there', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    expect(await refusal(url.href)).toMatchObject({
      fault: 'not_reachable',
      message: 'The database cannot be used: database "nowhere" does not exist',
    });
  });

  test('a server that does not answer, and names no password', async () => {
    const { fault, message } = await refusal('postgres://me:secret@127.0.0.1:1/sessions');
    expect(fault).toBe('not_reachable');
    expect(message).toMatch(/^The database cannot be used: .*ECONNREFUSED/);
  });

  test('what is no address, and does not repeat it', async () => {
    expect(await refusal('postgres://me:secret@[/sessions')).toMatchObject({ fault: 'not_reachable' });
  });

  test('a database of a newer version', async () => {
    await command('INSERT INTO session_migrations (version) VALUES (1000)', database.url);
    expect(await refusal(database.url)).toMatchObject({ fault: 'unknown_format' });
  });
});

test('says that it cannot be written to while the database does not answer, and why', async () => {
  await command(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} ALLOW_CONNECTIONS false`);
  await command(CUT.replace('current_database()', `'${new URL(database.url).pathname.slice(1)}'`));
  expect(await store.health()).toEqual({
    writable: false,
    reason: expect.stringMatching(/^the database does not answer/),
  });
  await expect(create(5)).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
});

test('a database that says nothing is not waited for when the store is closed', async () => {
  const { session } = await create();
  const holding = new pg.Client(database.url);
  await holding.connect();
  await holding.query('BEGIN; LOCK TABLE sessions');
  const waiting = [store.append(session.id, patching({ stepsCompleted: ['a'] })), store.read(session.id)];
  const outcomes = Promise.allSettled(waiting);
  const begun = performance.now();
  await expect(store.close()).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'unknown' });
  expect(performance.now() - begun).toBeLessThan(5_000);
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'StoreUnavailableError' } });
  await holding.end();
  store = await PostgresStore.open({ url: database.url });
  expect((await store.read(session.id))!.session.stepsCompleted).toEqual([]);
});

const SLOW = `
  CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
  CREATE TRIGGER slow BEFORE INSERT ON session_events FOR EACH ROW EXECUTE FUNCTION slow()`;

test('a store that is closed waits for a database that answers, longer than for one that says nothing', async () => {
  const { session } = await create();
  await command(SLOW, database.url);
  const asked = Array.from({ length: 10 }, (_, n) =>
    store.append(session.id, patching({ stepsCompleted: [`s${n}`] })),
  );
  await store.close();
  await Promise.all(asked);
});

test('a store that is closed does not begin what would hold it up for long, and says so', async () => {
  const { session } = await create();
  await command(SLOW, database.url);
  const asked = Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => store.append(session.id, patching({ stepsCompleted: [`s${n}`] }))),
  );
  const begun = performance.now();
  await store.close();
  expect(performance.now() - begun).toBeLessThan(8_000);
  const outcomes = await asked;
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused)
    expect(reason).toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
  store = await PostgresStore.open({ url: database.url });
  expect((await store.read(session.id))!.session.stepsCompleted).toHaveLength(60 - refused.length);
});

test('commands that wait for a session that another holds are turned away: too many at once, all others after ten seconds', async () => {
  const { session } = await create();
  const holding = new pg.Client(database.url);
  await holding.connect();
  await holding.query('BEGIN; SELECT FROM sessions FOR UPDATE');
  const begun = performance.now();
  const took: number[] = [];
  const asked = Array.from({ length: 1_100 }, async (_, n) => {
    await expect(store.append(session.id, patching({ stepsCompleted: [`s${n}`] }))).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      outcome: 'not_applied',
    });
    took.push(performance.now() - begun);
  });
  await Promise.all(asked);
  expect(took.filter((ms) => ms < 5_000)).toHaveLength(99);
  expect(Math.max(...took)).toBeLessThan(15_000);
  await holding.end();
  await store.append(session.id, patching({ stepsCompleted: ['after'] }));
  expect((await store.read(session.id))!.session.stepsCompleted).toEqual(['after']);
});

describe('A session that was altered in its table', () => {
  const alter = (statement: string) => command(statement, database.url);
  const append = (id: string) => store.append(id, patching({ stepsCompleted: ['b'] }));
  const made = async () => {
    const { session } = await create();
    await store.append(session.id, patching({ stepsCompleted: ['a'] }));
    return session.id;
  };

  test.each([
    ['its last line', 'UPDATE session_events SET line = replace(line, \'"a"\', \'"x"\') WHERE seq = 1'],
    ['a last line that is taken away', 'DELETE FROM session_events WHERE seq = 1'],
    [
      'a line that is added',
      'INSERT INTO session_events (session_id, seq, line) SELECT session_id, 2, line FROM session_events WHERE seq = 1',
    ],
  ])('is not built upon: %s', async (_what, statement) => {
    const id = await made();
    await alter(statement);
    const before = await alter('SELECT line FROM session_events ORDER BY seq');
    await expect(append(id)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    expect(await alter('SELECT line FROM session_events ORDER BY seq')).toEqual(before);
    expect((await store.verify(id))!.valid).toBe(false);
  });

  test.each([
    ['log_bytes', 'log_bytes = 67108860'],
    ['created_at', "created_at = '2001-01-01Z'"],
    ['idempotency_key', "idempotency_key = 'another'"],
    ['status', "status = 'completed'"],
    ['user_id', 'user_id = NULL'],
    ['labels', "labels = '{x}'"],
    ['timing', `timing = '{"search_ms": 1}'`],
    ['words', "words = 'another'::tsvector"],
    ['listed', 'listed = replace(listed, \'"me"\', \'"you"\')'],
    ['state', `state = replace(state, '"created"', '"completed"')`],
    ['outputs', `outputs = '{"outputs":{"x":1}}'`],
  ])('is found by verifying where its row says something else than its events: %s', async (column, set) => {
    const id = await made();
    expect(await store.verify(id)).toMatchObject({ valid: true });
    await alter(`UPDATE sessions SET ${set}`);
    const message = `its row does not show the session after 2 events: ${column}`;
    const problem = { seq: null, kind: 'view_altered', message };
    expect(await store.verify(id)).toMatchObject({ valid: false, problems: [problem] });
  });

  test.each(['{}', 'null', '[]', '7', 'no JSON'])(
    'is told as corrupted where its row has another state: %s',
    async (state) => {
      const id = await made();
      await command('UPDATE sessions SET state = $1', database.url, [state]);
      for (const asked of [store.read(id), append(id)])
        await expect(asked).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    },
  );

  test.each(['garbage', '{}', 'null', '{"id":"another","createdAt":"2024-01-15T10:30:45.000Z"}'])(
    'is listed as corrupted where its row shows something else, and the others as they are: %s',
    async (listed) => {
      const id = await made();
      const others = [await create(1), await create(2)].map(({ session }) => session.id);
      await command('UPDATE sessions SET listed = $1 WHERE id = $2', database.url, [listed, id]);
      const order = 'oldest';
      const first = await store.list({ order, limit: 1 });
      // When it was created is in its id, to the second.
      expect(first.sessions).toMatchObject([
        { id, status: 'corrupted', createdAt: '2024-01-15T10:30:45.000Z' },
      ]);
      const rest = await store.list({ order, limit: 5, after: first.next! });
      expect(rest.sessions.map((one) => one.id)).toEqual(others);
      const all = await store.list({ order, limit: 5, offset: 0, filter: { text: 'me' } });
      expect(all.sessions.map((one) => one.status)).toEqual(['corrupted', 'created', 'created']);
    },
  );
});

describe('A month whose partition is gone', () => {
  const partition = 'session_events_202401';
  test.each([
    ['dropped', `DROP TABLE sessions_202401, ${partition}`],
    [
      'detached',
      `ALTER TABLE sessions DETACH PARTITION sessions_202401; ALTER TABLE session_events DETACH PARTITION ${partition}`,
    ],
  ])(
    'because it was %s is made anew by the next creation, in a store that is open and in a new one',
    async (_how, gone) => {
      await create();
      await command(gone, database.url);
      const again = [await create(1), await store.create(idsAt(BORN, 2), opening())];
      const other = await PostgresStore.open({ url: database.url });
      again.push(await other.create(idsAt(BORN, 3), opening()));
      expect((await other.list({ limit: 10 })).sessions).toHaveLength(3);
      for (const { session } of again) expect(await other.verify(session.id)).toMatchObject({ valid: true });
      await other.close();
    },
  );

  test('but its lines are there: their ids are taken', async () => {
    const { session } = await create();
    await command('DROP TABLE sessions_202401', database.url);
    const made = await create();
    expect(made.session.id).not.toBe(session.id);
    expect(await store.verify(made.session.id)).toMatchObject({ valid: true });
  });

  test('or not wholly, since that was begun and waits for who reads: nothing is made in it', async () => {
    await create();
    const reading = new pg.Client(database.url);
    await reading.connect();
    await reading.query('BEGIN; SELECT count(*) FROM sessions');
    const detach = 'ALTER TABLE sessions DETACH PARTITION sessions_202401 CONCURRENTLY';
    const url = new URL(database.url);
    url.searchParams.set('options', '-c statement_timeout=500');
    const detaching = command(detach, url.href);
    await expect(detaching).rejects.toThrow(/statement timeout/);
    await expect(create(5)).rejects.toMatchObject({ code: 'StoreUnavailableError', outcome: 'not_applied' });
    await reading.end();
    await command('ALTER TABLE sessions DETACH PARTITION sessions_202401 FINALIZE', database.url);
    await create(5);
  });

  test('as a connection says that does not see it yet: that one is given up, and another asked', async () => {
    await create();
    await command(FIND_NO_PARTITION(3), database.url);
    const connected = () =>
      command(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'impact-session'`,
        database.url,
      );
    const before = (await connected()).map(({ pid }) => pid);
    const { session } = await create(1);
    expect(await store.verify(session.id)).toMatchObject({ valid: true });
    const after = (await connected()).map(({ pid }) => pid);
    expect(after).not.toEqual(expect.arrayContaining(before));
  });

  test('and only that of its events: a change is 503, and what was there stays', async () => {
    const { session } = await create();
    await command(`ALTER TABLE session_events DETACH PARTITION ${partition}`, database.url);
    await expect(store.append(session.id, patching({ stepsCompleted: ['a'] }))).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      outcome: 'not_applied',
    });
    expect((await store.read(session.id))!.session.revision).toBe(1);
  });

  test('with a key, too', async () => {
    await create();
    await command(`DROP TABLE sessions_202401, ${partition}`, database.url);
    const idempotency = { key_sha256: 'a'.repeat(64), request_sha256: 'b'.repeat(64) };
    const made = await store.create(idsAt(BORN, 1), opening(null, BORN, { idempotency }));
    expect(await store.read(made.session.id)).toEqual(made);
  });
});

describe('A partition that an operator has made', () => {
  const attach = (from: string, to: string) =>
    command(
      ['sessions', 'session_events']
        .map(
          (
            table,
          ) => `CREATE TABLE ${table}_of_theirs (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
            ALTER TABLE ${table} ATTACH PARTITION ${table}_of_theirs FOR VALUES FROM ('${from}') TO ('${to}')`,
        )
        .join(';'),
      database.url,
    );

  test('of a whole year has the sessions of each of its months', async () => {
    await attach('sess_202401', 'sess_202412~');
    const { session } = await create();
    expect(await store.verify(session.id)).toMatchObject({ valid: true });
  });

  test('of a part of a month has those of that part, and the others are 503', async () => {
    await attach('sess_20240115', 'sess_20240115~');
    await create();
    const later = new Date('2024-01-16T00:00:00Z');
    await expect(store.create(idsAt(later), opening(null, later))).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      outcome: 'not_applied',
    });
  });
});

test('a month begins while somebody reads for long, and nobody waits', async () => {
  const reading = new pg.Client(database.url);
  await reading.connect();
  await reading.query(
    'BEGIN; SELECT count(*) FROM sessions; LOCK TABLE sessions, session_events IN ACCESS SHARE MODE',
  );
  const begun = performance.now();
  await create();
  expect((await store.list({ limit: 1, counted: true })).total).toBe(1);
  expect(performance.now() - begun).toBeLessThan(5_000);
  await reading.end();
});

test('labels of any text that is allowed are kept and found', async () => {
  const random = (n: number) => String.fromCodePoint(0x20000 + ((n * 7919) % 40_000));
  const value = Array.from({ length: 1_000 }, (_, n) => random(n)).join('');
  const labels = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`l${n}`, `${n}${value}`]));
  const { session } = await store.create(idsAt(BORN), opening(null, BORN, { labels }));
  const filter = { labels: { l7: labels.l7 as string } };
  expect((await store.list({ filter, limit: 2 })).sessions.map(({ id }) => id)).toEqual([session.id]);
  expect((await store.list({ filter: { labels: { l7: `${labels.l7}x` } }, limit: 2 })).sessions).toEqual([]);
});

test('taking away a session that is not there leaves the lines of one that is made meanwhile', async () => {
  await create();
  await command(
    "INSERT INTO session_events (session_id, seq, line) VALUES ('sess_20240115_103045_00ffff', 0, '{}')",
    database.url,
  );
  expect(await store.remove('sess_20240115_103045_00ffff')).toBe(false);
  const left = "SELECT count(*)::int AS n FROM session_events WHERE session_id LIKE '%00ffff'";
  expect(await command(left, database.url)).toEqual([{ n: 1 }]);
});
