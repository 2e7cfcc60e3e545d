/**
 * What the components that come after the search are asked. Types only.
 */

import type { Repository } from './git-history.js';

export interface ImpactRequest {
  readonly sessionId: string;
  readonly repository: Repository;
  /** Full hashes of the commits that were selected, best match first. */
  readonly selected: readonly string[];
}
