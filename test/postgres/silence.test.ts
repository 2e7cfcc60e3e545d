/** A database that says nothing any more, and takes no farewell either: its processes are stopped, its connections are there. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createSession, type Run, serve } from '../server-process.js';
import { PostgresServer } from './postgres-server.js';

let postgres: PostgresServer;
let server: Run & { url: string };

beforeEach(async () => {
  postgres = await PostgresServer.start();
  server = await serve({ STORE: 'postgres', DATABASE_URL: postgres.url('postgres') });
});

afterEach(async () => {
  postgres.thaw();
  await postgres.stop();
});

async function stopped(): Promise<{ code: number | null; ms: number }> {
  const begun = performance.now();
  server.process.kill('SIGTERM');
  const code = await server.ended;
  return { code, ms: performance.now() - begun };
}

test('a server with nothing under way stops all the same', async () => {
  await createSession(server.url);
  postgres.freeze();
  const { code, ms } = await stopped();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(10_000);
});

test('a server that does not know what became of a change stops, and says so', async () => {
  await createSession(server.url);
  postgres.freeze();
  const asked = createSession(server.url).catch(() => 'no answer');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { code, ms } = await stopped();
  expect(ms).toBeLessThan(10_000);
  expect(code).toBe(1);
  expect(server.output.stdout).toContain('the server did not stop cleanly');
  expect(server.output.stdout).not.toContain('everything is on the disk');
  await asked;
});
