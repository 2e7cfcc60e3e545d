/**
 * Brings into the memory of the system what a server that has run for a while has there of a data folder: its index, and
 * where each session's files lie. What is measured after that is the server and not the disk.
 */

import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { indexPath } from '../../dist/session/store/file/index/index-schema.js';
import { EVENTS_FILE, VIEW_FILE } from '../../dist/session/store/file/session-folders.js';

export async function bringIntoMemory(folder: string): Promise<void> {
  for await (const _ of createReadStream(indexPath(folder), { highWaterMark: 1024 ** 2 }));
  const days = readdirSync(folder).filter((name) => !name.startsWith('.'));
  for (const day of days) {
    for (const name of readdirSync(join(folder, day)))
      for (const file of [EVENTS_FILE, VIEW_FILE])
        statSync(join(folder, day, name, file), { throwIfNoEntry: false });
    await nextTurn();
  }
}
