/** A database that asks for a password: where it may come from, and what is said where there is none. */

import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { expectRefusal, port, run, serve } from '../server-process.js';
import { command } from './fresh-database.js';
import { PostgresServer } from './postgres-server.js';

const PASSWORD = 'nobody-may-read-this';

let postgres: PostgresServer;
let environment: Record<string, string>;

beforeEach(async () => {
  postgres = await PostgresServer.start();
  const url = postgres.url('postgres');
  environment = { STORE: 'postgres', DATABASE_URL: url, PGPASSFILE: '/nowhere' };
  await command(`ALTER USER postgres PASSWORD '${PASSWORD}'`, url);
  const [{ file } = { file: '' }] = await command("SELECT current_setting('hba_file') AS file", url);
  await writeFile(`${file}`, 'local all all scram-sha-256\n');
  await command('SELECT pg_reload_conf()', url);
});

afterEach(() => postgres.stop());

test('a server without one does not start, and says soon where it is looked for', async () => {
  const begun = performance.now();
  const refused = run({ ...environment, PORT: await port() });
  await expectRefusal(refused, /asks for a password, and there is none in its address, in PGPASSWORD or in/);
  expect(performance.now() - begun).toBeLessThan(20_000);
});

test('PGPASSWORD has it, and nobody is told', async () => {
  const server = await serve({ ...environment, PGPASSWORD: PASSWORD });
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.output.stdout + server.output.stderr).not.toContain(PASSWORD);
});
