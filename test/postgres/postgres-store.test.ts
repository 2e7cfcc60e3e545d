/** PostgresStore keeps the contract of the port. */

import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import type { SessionStore } from '../../src/session/store/session-store.js';
import { describeSessionStore } from '../../src/testing/index.js';
import { type FreshDatabase, freshDatabase } from './fresh-database.js';

const databases = new Map<SessionStore, FreshDatabase>();

async function openIn(database: FreshDatabase): Promise<SessionStore> {
  const store = await PostgresStore.open({ url: database.url });
  databases.set(store, database);
  return store;
}

describeSessionStore('PostgresStore', {
  create: async () => openIn(await freshDatabase()),
  async reopen(store) {
    await store.close();
    return openIn(databases.get(store)!);
  },
  async destroy(store) {
    await store.close();
    await databases.get(store)!.drop();
  },
});
