/**
 * The server as a process over a database: what it says where it starts and where it cannot, that it comes back after it
 * was killed, and what its log has when the database is gone. The password is in none of that.
 */

import { afterEach, describe, expect, test } from '@jest/globals';
import { createSession, database, expectRefusal, port, type Run, run, serve } from '../server-process.js';
import { command } from './fresh-database.js';

const servers: Run[] = [];

afterEach(() => {
  const { password } = new URL(database!.url);
  expect(password).not.toBe('');
  for (const { output } of servers.splice(0)) expect(output.stdout + output.stderr).not.toContain(password);
});

async function start(environment: Record<string, string> = {}) {
  const server = await serve(environment);
  servers.push(server);
  return server;
}

/** The server does not start with these variables, and says so in these lines. */
async function expectNoStart(environment: Record<string, string>, ...lines: RegExp[]): Promise<void> {
  const refused = run({ PORT: await port(), ...environment });
  servers.push(refused);
  await expectRefusal(refused, ...lines);
  expect(refused.output.stdout).toBe('');
}

/** The address of the test's database, a part of it another. */
function address(change: Partial<URL>): string {
  return Object.assign(new URL(database!.url), change).href;
}

test('it starts in an empty database, makes its tables, and says from what it serves', async () => {
  const { url, output } = await start();
  await createSession(url);
  const { username, port, searchParams, pathname } = new URL(database!.url);
  const where = `${searchParams.get('host')}${port && `:${port}`}${pathname}`;
  expect(output.stdout).toContain(`${url} from postgres://${username}@${where}; routes: ${url}/docs`);
  expect(output.stderr).toBe('');
  expect(await database!.ask('SELECT count(*)::int AS n FROM sessions')).toEqual([{ n: 1 }]);
});

test('it stops with everything in the database, and says so', async () => {
  const server = await start();
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.output.stdout).toContain('stopped; everything is in the database');
  expect(server.output.stdout).not.toContain('disk');
});

test('it starts where it may only read, and warns that nothing can be written', async () => {
  const first = await start();
  const id = await createSession(first.url);
  expect(first.output.stdout).not.toContain('nothing can be written');
  await database!.ask('CREATE ROLE reads_only LOGIN');
  try {
    await database!.ask('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_only');
    const { url, output } = await start({ DATABASE_URL: address({ username: 'reads_only' }) });
    expect((await fetch(`${url}/session/${id}`)).status).toBe(200);
    const warned = output.stdout.split('\n').filter((line) => line.includes('"level":40'));
    expect(warned).toEqual([
      expect.stringMatching(/nothing can be written: .* no right to INSERT and UPDATE/),
    ]);
  } finally {
    await database!.ask('DROP OWNED BY reads_only');
    await database!.ask('DROP ROLE reads_only');
  }
});

test('it comes back after it was killed, with every session that it had confirmed', async () => {
  const first = await start();
  const ids = await Promise.all(Array.from({ length: 20 }, () => createSession(first.url)));
  first.process.kill('SIGKILL');
  await first.ended;
  const second = await start();
  for (const id of ids) expect((await fetch(`${second.url}/session/${id}/audit`)).status).toBe(200);
  expect(second.output.stderr).toBe('');
});

describe('it does not start, and says what to do, when', () => {
  test('no database is named', async () => {
    await expectNoStart({ DATABASE_URL: '' }, /DATABASE_URL is missing: STORE=postgres needs to know/);
  });

  test.each([
    'nonsense',
    'mysql://me:nobody-may-read-this@host/database',
    'postgres://me:nobody-may-read-this@[/x',
    'postgres://me:nobody-may-read-this@host:5432',
  ])('the address is none: %s', async (DATABASE_URL) => {
    await expectNoStart(
      { DATABASE_URL },
      /DATABASE_URL should be like postgres:\/\/user:password@host\/database/,
    );
  });

  test('nobody listens at the address', async () => {
    const DATABASE_URL = `postgres://me:${new URL(database!.url).password}@127.0.0.1:${await port()}/sessions`;
    await expectNoStart({ DATABASE_URL }, /The database cannot be used: .*ECONNREFUSED/);
  });

  test('there is no such database', async () => {
    const DATABASE_URL = address({ pathname: '/nowhere' });
    await expectNoStart({ DATABASE_URL }, /The database cannot be used: database "nowhere" does not exist/);
  });

  test('there is no such user', async () => {
    const DATABASE_URL = address({ username: 'nobody' });
    await expectNoStart({ DATABASE_URL }, /The database cannot be used: .*"nobody"/);
  });

  test('the database takes nobody', async () => {
    await database!.shut();
    await expectNoStart({}, /The database cannot be used: .*not currently accepting connections/);
  });

  test('the database has its texts in another encoding, which it keeps as it is', async () => {
    const name = `${database!.name}_latin1`;
    await command(`CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    try {
      const DATABASE_URL = address({ pathname: `/${name}` });
      await expectNoStart({ DATABASE_URL }, /texts in LATIN1, and sessions need UTF8: .*ENCODING 'UTF8'/);
      expect(await command('SELECT FROM pg_tables WHERE schemaname = $1', DATABASE_URL, ['public'])).toEqual(
        [],
      );
    } finally {
      await command(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  test('a newer version has been there', async () => {
    const first = await start();
    first.process.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await database!.ask('INSERT INTO session_migrations (version) VALUES (1000)');
    await expectNoStart({}, /tables of version 1000, and this program knows up to \d+: take a newer one/);
  });
});

test('what is behind a 503 stands in the log under the id of the request', async () => {
  const server = await start();
  await database!.shut();
  const answer = await fetch(`${server.url}/session/list`);
  const id = answer.headers.get('x-request-id');
  expect([answer.status, await answer.text()]).toEqual([503, expect.not.stringContaining(database!.name)]);
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  const lines = server.output.stdout.split('\n').slice(0, -1);
  const said = lines.map((line) => JSON.parse(line));
  expect(said.filter(({ req }) => req)).toEqual([
    expect.objectContaining({ level: 50, req: expect.objectContaining({ id }), res: { statusCode: 503 } }),
  ]);
  const causes = lines.filter((line) => line.includes(`(request ${id})`));
  expect(causes).toEqual([expect.stringContaining('not currently accepting connections')]);
});
