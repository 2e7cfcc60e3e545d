/**
 * The contract of the port `SessionStore`, as one suite that every store is run against. A store brings a small
 * harness; the files of contract/ bring the sentences.
 */

import { describeClosing } from './contract/closing.js';
import { describeCommands } from './contract/commands.js';
import { describeKeyedCreation } from './contract/keyed-creation.js';
import { describeListing } from './contract/listing.js';
import { describeStatistics } from './contract/statistics.js';
import { freshStores, type SessionStoreHarness } from './contract/store-under-test.js';
import { globalRunner, type TestRunner } from './contract/test-runner.js';
import { describeTextSearch } from './contract/text-search.js';
import { describeTrails } from './contract/trails.js';
import { describeWatching } from './contract/watching.js';

/**
 * Describes what every store of sessions does, as tests: more than a hundred sentences, each with a store of its own.
 * @param name what the sentences begin with
 * @param runner whose `describe`, `test`, `beforeEach` and `afterEach` are used; default: the global ones, as Jest has them.
 *   A sentence may take some seconds on a store with a disk: some runners have to be told.
 */
export function describeSessionStore(
  name: string,
  harness: SessionStoreHarness,
  runner: TestRunner = globalRunner(),
): void {
  runner.describe(`${name}, as a session store,`, () => {
    const tested = freshStores(harness, runner);
    describeCommands(tested, runner);
    describeTrails(tested, runner);
    describeKeyedCreation(tested, runner);
    describeListing(tested, runner);
    describeTextSearch(tested, runner);
    describeStatistics(tested, runner);
    describeWatching(tested, runner);
    describeClosing(tested, runner);
  });
}
