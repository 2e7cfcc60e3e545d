/** The model of a store keeps the contract that it is a model of. */

import { MemoryStore } from './memory-store.js';
import { describeSessionStore } from './session-store.contract.js';

describeSessionStore('MemoryStore', {
  open: async () => new MemoryStore(),
  async reopen(store) {
    await store.close();
    return new MemoryStore((store as MemoryStore).memory);
  },
  destroy: (store) => store.close(),
});
