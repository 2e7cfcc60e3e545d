/** The model of a store keeps the contract that it is a model of. */

import { describeSessionStore, MemoryStore } from '../src/testing/index.js';

describeSessionStore('MemoryStore', {
  create: async () => new MemoryStore(),
  async reopen(store) {
    await store.close();
    return new MemoryStore((store as MemoryStore).memory);
  },
  destroy: (store) => store.close(),
});
