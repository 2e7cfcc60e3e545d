/**
 * How the tests run: on the JavaScript that `nest build -p tsconfig.test.json` left in dist-test, so that the swagger
 * plugin's metadata is there as in production, and Jest has nothing to transform. No globals: `test`, `expect` and
 * `jest` come from @jest/globals.
 */
export default {
  roots: ['<rootDir>/dist-test/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  // Tests that start processes and databases need their time on a slow machine; a hanging one still ends.
  testTimeout: 120_000,
  // Not "all cores but one", which is one worker on a machine with two.
  maxWorkers: 2,
  coverageProvider: 'v8',
  collectCoverageFrom: ['dist-test/src/**/*.js'],
  reporters: ['default', '<rootDir>/test/passed-failed.reporter.mjs'],
};
