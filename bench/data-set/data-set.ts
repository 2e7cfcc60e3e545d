/**
 * Where a data set of so many sessions lies, unless somebody says otherwise. Not in the system's temporary folder,
 * which may be in memory.
 */

import { join } from 'node:path';

export function dataFolderOf(sessions: number): string {
  return join('bench', 'data', `sessions-${sessions}`);
}
