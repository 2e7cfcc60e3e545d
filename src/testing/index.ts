/**
 * What `impact-session/testing` offers: the contract of a store as a suite, for whoever writes one, and a store that only
 * remembers, for tests of modules that use sessions. May import the component as others do, through its index.
 */

export type { SessionStoreHarness } from './contract/store-under-test.js';
export type { TestRunner } from './contract/test-runner.js';
export { describeSessionStore } from './describe-session-store.js';
export { type Memory, MemoryStore } from './memory-store.js';
