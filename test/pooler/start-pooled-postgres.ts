/** Before the tests that go through a pooler: a PostgreSQL, and PgBouncer before it. */

import { PostgresServer } from '../postgres/postgres-server.js';
import { PgBouncer } from './pgbouncer.js';

export interface Pooled {
  readonly server: PostgresServer;
  readonly bouncer: PgBouncer;
}

export default async function startPooledPostgres(): Promise<void> {
  const server = await PostgresServer.start();
  const bouncer = await PgBouncer.start(server.url('postgres')).catch(async (error) => {
    await server.stop();
    throw error;
  });
  process.env.TEST_DATABASE_URL = bouncer.url('postgres');
  process.env.TEST_UNPOOLED_URL = server.url('postgres');
  (globalThis as { testPooled?: Pooled }).testPooled = { server, bouncer };
}
