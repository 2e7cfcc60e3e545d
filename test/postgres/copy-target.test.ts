/**
 * The connection that keeps others away from a database that is copied into: it lasts while nothing is said on it, and one on
 * which nothing is answered any more keeps no process from its end.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { DatabaseTarget } from '../../src/session/store/postgres/database-target.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';

const SOON_MS = 15_000;
const DATABASE_TARGET = `${process.cwd()}/dist/session/store/postgres/database-target.js`;

let database: FreshDatabase;

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(() => database.drop());

/** A way to the server on which it falls silent for good, on this connection alone, when it is asked for something. */
class FallsSilent {
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async at(asked: string): Promise<FallsSilent> {
    const url = new URL(database.url);
    const { host = url.hostname, port = Number(url.port || 5432) } = new pg.Client(database.url);
    const server = createServer({ allowHalfOpen: true }, (client) =>
      way.#relay(client, { host, port }, asked),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url.searchParams.delete('host');
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as { port: number }).port);
    const way = new FallsSilent(server, url.href);
    return way;
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(client: Socket, { host, port }: { host: string; port: number }, asked: string): void {
    const backend = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    for (const socket of [client, backend]) this.#sockets.add(socket.on('error', () => undefined));
    let isSilent = false;
    client.on('data', (bytes) => {
      isSilent ||= bytes.includes(asked);
      if (!isSilent) backend.write(bytes);
    });
    backend.on('data', (bytes) => client.write(bytes));
    // One that is stopped does not end its connection either.
    client.on('end', () => isSilent || backend.end());
    backend.on('end', () => client.end());
  }
}

test('A copy is over soon where the database falls silent before it says whether another is under way', async () => {
  const way = await FallsSilent.at('pg_try_advisory_lock');
  try {
    const begun = performance.now();
    await expect(DatabaseTarget.open(way.url)).rejects.toMatchObject({
      fault: 'not_reachable',
      message: expect.stringMatching(/^The database cannot be used: /),
    });
    expect(performance.now() - begun).toBeLessThan(SOON_MS);
  } finally {
    way.close();
  }
});

test('A copy that finds another one under way is over soon, also where nobody takes its farewell', async () => {
  const way = await FallsSilent.at('X\0\0\0\x04');
  const first = await DatabaseTarget.open(database.url);
  try {
    const begun = performance.now();
    await expect(DatabaseTarget.open(way.url)).rejects.toMatchObject({ fault: 'held' });
    expect(performance.now() - begun).toBeLessThan(SOON_MS);
  } finally {
    await first.close();
    way.close();
  }
});

test('A process that has let go of a database which has fallen silent comes to its end', async () => {
  const program = `
    import { once } from 'node:events';
    const { DatabaseTarget } = await import('${DATABASE_TARGET}');
    const target = await DatabaseTarget.open(${JSON.stringify(database.url)});
    await target.begin('a-store');
    console.log('begun');
    await once(process.stdin, 'data');
    process.stdin.destroy();
    await target.close();
    console.log('closed');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  while (!said.includes('begun')) await once(child.stdout, 'data');
  const backends = await command(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'impact-session'",
    database.url,
  );
  const pids = backends.map(({ pid }) => pid as number);
  expect(pids.length).toBeGreaterThanOrEqual(2);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const tooLate = setTimeout(() => child.kill('SIGKILL'), SOON_MS);
  try {
    child.stdin.write('close\n');
    expect([await ended, said]).toEqual([[0, null], 'begun\nclosed\n']);
  } finally {
    clearTimeout(tooLate);
    child.kill('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
});

test('It lasts in a database that ends connections on which nothing is said', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await command(`ALTER DATABASE ${name} SET idle_session_timeout = '300ms'`);
  const target = await DatabaseTarget.open(database.url);
  try {
    // Connected later, it is ended later.
    const other = new pg.Client(database.url);
    const lost = new Promise<Error>((resolve) => other.on('error', resolve));
    await other.connect();
    expect((await lost).message).toMatch(/idle-session timeout/);
    await target.begin('a-store');
    await expect(DatabaseTarget.open(database.url)).rejects.toMatchObject({ fault: 'held' });
    await target.finish();
  } finally {
    await target.close();
  }
});
