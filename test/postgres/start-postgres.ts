/**
 * Before all tests: the PostgreSQL that they use. DATABASE_URL names one that is there already; else one is started, and a
 * machine on which that fails fails the tests.
 */

import { PostgresServer } from './postgres-server.js';

export default async function startPostgres(): Promise<void> {
  if (process.env.DATABASE_URL) {
    process.env.TEST_DATABASE_URL = process.env.DATABASE_URL;
    return;
  }
  const server = await PostgresServer.start();
  process.env.TEST_DATABASE_URL = server.url('postgres');
  (globalThis as { testPostgres?: PostgresServer }).testPostgres = server;
}
