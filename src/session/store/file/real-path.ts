/** Where a path leads, for who has to know whether two paths are one folder. */

import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** By all links; of what is not there yet, where it will be. */
export function realPath(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return dirname(whole) === whole ? whole : join(realPath(dirname(whole)), basename(whole));
  }
}
