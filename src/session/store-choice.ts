/**
 * Whether a store is described as it has to be, for those to whom no compiler says it: a choice may come from JavaScript, or
 * from a configuration.
 */

import type { StoreChoice } from './session.options.js';
import { DATABASE_ADDRESS, isDatabaseAddress } from './store/database-address.js';

const MAX_POOL_SIZE = 1_000;

/** @throws RangeError in one line, which has no address: that may hold a password */
export function assertStoreChoice(store: unknown): asserts store is StoreChoice {
  if (typeof store !== 'object' || store === null)
    throw new RangeError(
      "store should be a SessionStore, or say which: { kind: 'file', path } or { kind: 'postgres', url }",
    );
  const { kind, path, url, poolSize } = store as Readonly<Record<string, unknown>>;
  if (kind !== 'file' && kind !== 'postgres')
    throw new RangeError(`store.kind should be file or postgres, not ${shown(kind)}`);
  if (kind === 'file') {
    if (typeof path !== 'string' || path === '')
      throw new RangeError(`store.path should be the path of a folder, not ${shown(path)}`);
    return;
  }
  if (!isDatabaseAddress(url)) throw new RangeError(`store.url should be ${DATABASE_ADDRESS}`);
  if (poolSize !== undefined && !isPoolSize(poolSize))
    throw new RangeError(
      `store.poolSize should be a whole number from 1 to ${MAX_POOL_SIZE}, not ${shown(poolSize)}`,
    );
}

function isPoolSize(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_POOL_SIZE;
}

/** A number or a text as it was given, of anything else what it is. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 200));
  return typeof value === 'number' || value === undefined || value === null ? String(value) : typeof value;
}
