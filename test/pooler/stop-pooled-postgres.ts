/** After the tests that go through a pooler: what start-pooled-postgres.ts has started is stopped. */

import type { Pooled } from './start-pooled-postgres.js';

export default async function stopPooledPostgres(): Promise<void> {
  const { testPooled } = globalThis as { testPooled?: Pooled };
  await testPooled?.bouncer.stop();
  await testPooled?.server.stop();
}
