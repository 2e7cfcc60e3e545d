/** A database that says nothing any more, and takes no farewell either: its processes are stopped, its connections are there. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { ask, createSession, type Run, serve } from '../server-process.js';
import { command } from './fresh-database.js';
import { PostgresServer } from './postgres-server.js';

let postgres: PostgresServer;
let server: Run & { url: string };

beforeEach(async () => {
  postgres = await PostgresServer.start();
});

afterEach(async () => {
  postgres.thaw();
  await postgres.stop();
});

async function start(): Promise<void> {
  server = await serve({ STORE: 'postgres', DATABASE_URL: postgres.url('postgres') });
}

async function stopped(): Promise<{ code: number | null; ms: number }> {
  const begun = performance.now();
  server.process.kill('SIGTERM');
  const code = await server.ended;
  return { code, ms: performance.now() - begun };
}

test('a server with nothing under way stops all the same', async () => {
  await start();
  await createSession(server.url);
  postgres.freeze();
  const { code, ms } = await stopped();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(10_000);
});

test('a server that does not know what became of a change stops, and says so, to whoever asked for it as well', async () => {
  await start();
  await createSession(server.url);
  postgres.freeze();
  const asked = ask('POST', `${server.url}/session/create`, {});
  await pause(500);
  const { code, ms } = await stopped();
  expect(ms).toBeLessThan(10_000);
  expect(code).toBe(1);
  expect(server.output.stdout).toContain('the server did not stop cleanly');
  expect(server.output.stdout).not.toContain('stopped; everything');
  expect(await asked).toMatchObject({
    status: 503,
    body: { detail: { error: 'StoreUnavailableError', details: { outcome: 'unknown' } } },
  });
});

test('a store that only watches closes all the same, and nothing of it comes back with the database', async () => {
  const url = postgres.url('postgres');
  const store = await PostgresStore.open({ url });
  await store.watch(() => undefined, new AbortController().signal);
  postgres.freeze();
  // By now it waits for what it cannot see.
  await pause(1_000);
  const begun = performance.now();
  await store.close();
  expect(performance.now() - begun).toBeLessThan(10_000);
  postgres.thaw();
  // Longer than it would wait before it listened again.
  await pause(2_000);
  const CONNECTED = "SELECT query FROM pg_stat_activity WHERE application_name = 'impact-session'";
  expect(await command(CONNECTED, url)).toEqual([]);
});
