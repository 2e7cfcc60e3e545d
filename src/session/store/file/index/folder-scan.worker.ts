/**
 * The thread of folder-scan.ts. It reads synchronously: it keeps nobody waiting, and a trip through the thread pool costs
 * several times what a small read does.
 */

import { type Dirent, opendirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { FileSystem } from '../durable-file.js';
import { SessionFolders } from '../session-folders.js';
import { SessionLoader } from '../session-loader.js';
import { AHEAD, type Finding, type ScanTask, scanFolders } from './folder-scan.js';

/** What reading needs of a file system. */
const files = {
  stat: async (path: string) => statSync(path),
  readFile: async (path: string, options: never) => readFileSync(path, options),
  readdir: async (path: string, options: never) => readdirSync(path, options),
  opendir: async (path: string) => entriesOf(path),
} as unknown as FileSystem;

/** Some at a time: a folder may hold a million. */
function* entriesOf(path: string): Generator<Dirent> {
  const folder = opendirSync(path, { bufferSize: 1_024 });
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) yield entry;
  } finally {
    folder.closeSync();
  }
}

// Who waits for an answer comes first. On Linux this is of the thread, elsewhere it would be of the process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

let untaken = 0;
let wake = () => {};
parentPort?.on('message', () => {
  untaken -= 1;
  wake();
});

async function tell(finding: Finding): Promise<void> {
  parentPort?.postMessage(finding);
  untaken += 1;
  while (untaken >= AHEAD) await new Promise<void>((resolve) => (wake = resolve));
}

const { path, storeId, legacyTimeZone, days } = workerData as ScanTask;
const folders = new SessionFolders(files, path);
const loader = new SessionLoader(files, folders, { storeId, legacyTimeZone });
for await (const finding of scanFolders(folders, loader, days)) await tell(finding);
parentPort?.postMessage('end');
parentPort?.close();
