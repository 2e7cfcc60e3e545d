/** Connections to PostgreSQL are encrypted as the address says, and never less than that. */

import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { command } from './fresh-database.js';
import { PostgresServer } from './postgres-server.js';

/** Of `localhost`, signed by itself, until the year 2126; its key is nobody's secret. */
const CERTIFICATE = resolve('test/postgres/tls/server.crt');
const NOBODY = 65534;

let server: PostgresServer;
let plain: PostgresServer;
let keys: string;
let [port, plainPort] = [0, 0];

beforeAll(async () => {
  // PostgreSQL takes no key that others than its user can read.
  keys = mkdtempSync(join(tmpdir(), 'impact-session-tls-'));
  cpSync('test/postgres/tls', keys, { recursive: true });
  chmodSync(join(keys, 'server.key'), 0o600);
  if (process.getuid?.() === 0)
    for (const path of [keys, join(keys, 'server.key')]) chownSync(path, NOBODY, NOBODY);
  [port, plainPort] = [await freePort(), await freePort()];
  const tls = { ssl: 'on', ssl_cert_file: join(keys, 'server.crt'), ssl_key_file: join(keys, 'server.key') };
  server = await PostgresServer.start({ listen_addresses: 'localhost', port: `${port}`, ...tls });
  plain = await PostgresServer.start({ listen_addresses: 'localhost', port: `${plainPort}` });
});

afterAll(async () => {
  await Promise.all([server.stop(), plain.stop()]);
  rmSync(keys, { recursive: true });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, 'localhost', listening));
  const { port } = probe.address() as { port: number };
  await new Promise((closed) => probe.close(closed));
  return port;
}

const address = (at: number, options: string) =>
  `postgres://postgres:nobody-may-read-this@localhost:${at}/postgres?${options}`;

test('an address with sslmode and sslrootcert is spoken to in TLS alone', async () => {
  const store = await PostgresStore.open({
    url: address(port, `sslmode=verify-full&sslrootcert=${CERTIFICATE}`),
  });
  const encrypted = `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
    WHERE application_name = 'impact-session'`;
  expect(await command(encrypted, server.url('postgres'))).toEqual([{ ssl: true }]);
  await store.close();
});

test.each([
  ['whose certificate nobody vouches for', () => address(port, 'sslmode=verify-full'), /certificate/],
  ['that has no TLS', () => address(plainPort, `sslmode=verify-full&sslrootcert=${CERTIFICATE}`), /SSL/],
])('a server %s is not used', async (_what, url, why) => {
  const opening = PostgresStore.open({ url: url() });
  const error = await opening.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: 'StoreOpenError', fault: 'not_reachable' });
  expect(error.message).toMatch(why);
  expect(error.message).not.toMatch(/nobody-may-read-this|\n/);
});
