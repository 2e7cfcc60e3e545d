/** After all tests: what start-postgres.ts has started is stopped. */

import type { PostgresServer } from './postgres-server.js';

export default async function stopPostgres(): Promise<void> {
  await (globalThis as { testPostgres?: PostgresServer }).testPostgres?.stop();
}
