/**
 * How the tests run: on the JavaScript that `nest build -p tsconfig.test.json` left in dist-test, so that the swagger
 * plugin's metadata is there as in production, and Jest has nothing to transform. No globals of Jest's: `test`, `expect`
 * and `jest` come from @jest/globals. What is about HTTP runs twice, once on each adapter; HTTP_ADAPTER says on which.
 */
const ABOUT_HTTP = [
  '**/http/*.test.js',
  '**/clean-stop.test.js',
  '**/request-log.test.js',
  '**/start.test.js',
];

const project = (HTTP_ADAPTER, testMatch) => ({
  displayName: HTTP_ADAPTER,
  globals: { HTTP_ADAPTER },
  roots: ['<rootDir>/dist-test/test'],
  testMatch,
  testEnvironment: 'node',
  transform: {},
});

export default {
  globalSetup: '<rootDir>/dist-test/test/postgres/start-postgres.js',
  globalTeardown: '<rootDir>/dist-test/test/postgres/stop-postgres.js',
  projects: [project('express', ['**/*.test.js']), project('fastify', ABOUT_HTTP)],
  // Tests that start processes and databases need their time on a slow machine; a hanging one still ends.
  testTimeout: 120_000,
  // Not "all cores but one", which is one worker on a machine with two.
  maxWorkers: 2,
  coverageProvider: 'v8',
  collectCoverageFrom: ['dist-test/src/**/*.js'],
  reporters: ['default', '<rootDir>/test/passed-failed.reporter.mjs'],
};
