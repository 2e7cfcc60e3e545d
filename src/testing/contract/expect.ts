/**
 * What the sentences of the contract are put with: the package `expect`, loaded before the first of them. Whoever takes only
 * `MemoryStore` need not have it.
 */

import type { expect as Expect } from 'expect';

export let expect: typeof Expect;

/** Loads it, once. */
export async function loadExpect(): Promise<void> {
  ({ expect } = await import('expect'));
}
