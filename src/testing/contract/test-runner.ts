/** What the sentences of the contract need of a test runner: what Jest, Vitest and `node:test` all have. */

export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  test(name: string, body: () => Promise<void>): unknown;
  beforeEach(body: () => Promise<void>): unknown;
  afterEach(body: () => Promise<void>): unknown;
}

const PARTS = ['describe', 'test', 'beforeEach', 'afterEach'] as const;

/** The runner whose functions are global, as Jest's are. @throws TypeError where one is missing */
export function globalRunner(): TestRunner {
  const here = globalThis as unknown as TestRunner;
  const missing = PARTS.filter((part) => typeof here[part] !== 'function');
  if (missing.length === 0) return here;
  throw new TypeError(
    `describeSessionStore: there is no global ${missing.join(', ')}; hand over your test runner, as in describeSessionStore(name, harness, await import('node:test'))`,
  );
}
