/** Takes from a simulation how much time has passed: what the store does with a file that was changed just now, it may not do a moment later. */

import type { Stats } from 'node:fs';

/** What is told of a file, as if it had been changed an hour earlier. */
export function longAgo(stats: Stats): Stats {
  return Object.assign(stats, { ctimeMs: stats.ctimeMs - 3_600_000 });
}
