/**
 * The server without the lock on a session's row: two of them decide on the same state. What the test of two servers has
 * to find; if it does not, it tests nothing.
 */

import pg from 'pg';

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, text: unknown, ...rest: unknown[]) {
  const unlocked = typeof text === 'string' ? text.replace(' FOR UPDATE', '') : text;
  return Reflect.apply(query, this, [unlocked, ...rest]);
} as typeof query;
await import('../../src/main.js');
