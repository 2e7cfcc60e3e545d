/**
 * How the tests run: on the JavaScript that `nest build -p tsconfig.test.json` left in dist-test, so that the swagger
 * plugin's metadata is there as in production, and Jest has nothing to transform. No globals of Jest's: `test`, `expect`
 * and `jest` come from @jest/globals.
 *
 * What is about HTTP runs on each adapter and over each store: HTTP_ADAPTER and STORE say on what, and
 * test/http/test-server.ts and test/server-process.ts start servers accordingly.
 */

/** Whatever the store is, the answers are the same; and a stop drops nothing. */
const ON_ALL = ['**/http/*.test.js', '**/clean-stop.test.js'];

/**
 * What there is only with a folder: a disk that fails, files that people read, folders of the Python component (test/http/file).
 * How the server starts over a folder, and the log of requests, which stands before any store.
 */
const WITH_A_FOLDER = ['**/http/file/*.test.js', '**/request-log.test.js', '**/start.test.js'];

/** What there is only with a database: several servers over one, and one that is gone (test/http/postgres). */
const WITH_A_DATABASE = ['**/http/postgres/*.test.js'];

/** How the server starts over a database. It takes its time, and is before any request: once will do. */
const STARTS_WITH_A_DATABASE = ['**/postgres/process.test.js'];

/**
 * The model that tests above the port use as a store: it answers what the stores answer to searches and keys, which it
 * matches by code of its own, and as the document says. It keeps no log for the other tests to look at.
 */
const WITH_A_MODEL = ['search', 'idempotency', 'openapi'].map((name) => `**/http/${name}.e2e.test.js`);

/** What is about a pooler before the database: jest.pooler.config.js. */
const WITH_A_POOLER = ['**/pooler/*.test.js'];

/** What is about no adapter and no store, or has its own of both, runs once: everything but what is named above. */
const ALL_ELSE = [
  '**/*.test.js',
  ...[...WITH_A_DATABASE, ...STARTS_WITH_A_DATABASE, ...WITH_A_POOLER].map((glob) => `!${glob}`),
];

export const project = (HTTP_ADAPTER, STORE, testMatch) => ({
  displayName: `${HTTP_ADAPTER}-${STORE}`,
  globals: { HTTP_ADAPTER, STORE },
  roots: ['<rootDir>/dist-test/test'],
  testMatch,
  testEnvironment: 'node',
  transform: {},
});

export default {
  globalSetup: '<rootDir>/dist-test/test/postgres/start-postgres.js',
  globalTeardown: '<rootDir>/dist-test/test/postgres/stop-postgres.js',
  projects: [
    project('express', 'file', ALL_ELSE),
    project('fastify', 'file', [...ON_ALL, ...WITH_A_FOLDER]),
    project('express', 'postgres', [...ON_ALL, ...WITH_A_DATABASE, ...STARTS_WITH_A_DATABASE]),
    project('fastify', 'postgres', [...ON_ALL, ...WITH_A_DATABASE]),
    project('express', 'memory', WITH_A_MODEL),
    project('fastify', 'memory', WITH_A_MODEL),
  ],
  // Tests that start processes and databases need their time on a slow machine; a hanging one still ends.
  testTimeout: 120_000,
  // Not "all cores but one", which is one worker on a machine with two.
  maxWorkers: 2,
  coverageProvider: 'v8',
  collectCoverageFrom: ['dist-test/src/**/*.js'],
  reporters: ['default', '<rootDir>/test/passed-failed.reporter.mjs'],
};
