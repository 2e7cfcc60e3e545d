/**
 * `npm run test:pooler`: what has to hold of the store in PostgreSQL through a pooler of transactions as well, on PgBouncer. Needs
 * that (Debian: pgbouncer), and is no part of `npm test` therefore.
 */

import common, { project } from './jest.config.js';

/** Contract, commands of many, and requests over HTTP, two servers' among them. Others cut connections, which here are the pooler's. */
const POOLED = [
  '**/pooler/*.test.js',
  '**/postgres/{postgres-store,many-instances}.test.js',
  '**/http/postgres/two-servers.e2e.test.js',
  ...['lifecycle', 'search', 'idempotency', 'verify'].map((name) => `**/http/${name}.e2e.test.js`),
];

export default {
  ...common,
  globalSetup: '<rootDir>/dist-test/test/pooler/start-pooled-postgres.js',
  globalTeardown: '<rootDir>/dist-test/test/pooler/stop-pooled-postgres.js',
  projects: [project('express', 'postgres', POOLED)],
};
