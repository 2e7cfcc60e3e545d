/**
 * The contract of the port `SessionStore`, as one suite that every store is run against. A store brings a small
 * harness; the files of test/contract/ bring the sentences.
 */

import { describe } from '@jest/globals';
import { describeClosing } from './contract/closing.js';
import { describeCommands } from './contract/commands.js';
import { describeKeyedCreation } from './contract/keyed-creation.js';
import { describeListing } from './contract/listing.js';
import { describeStatistics } from './contract/statistics.js';
import { freshStores, type StoreHarness } from './contract/store-under-test.js';
import { describeTextSearch } from './contract/text-search.js';
import { describeTrails } from './contract/trails.js';
import { describeWatching } from './contract/watching.js';

export {
  allEvents,
  BORN,
  idsAt,
  opening,
  patching,
  type StoreHarness,
} from './contract/store-under-test.js';

export function describeSessionStore(name: string, harness: StoreHarness): void {
  describe(`${name}, as a session store,`, () => {
    const tested = freshStores(harness);
    describeCommands(tested);
    describeTrails(tested);
    describeKeyedCreation(tested);
    describeListing(tested);
    describeTextSearch(tested);
    describeStatistics(tested);
    describeWatching(tested);
    describeClosing(tested);
  });
}
