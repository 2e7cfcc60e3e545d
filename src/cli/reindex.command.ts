/**
 * `impact-session reindex`: makes the index of a data folder anew from its folders. Where a server has the folder open,
 * the server is asked to.
 */

import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { loadFolderConfig } from '../config.js';
import { StoreOpenError } from '../session/domain/errors.js';
import { FileStore } from '../session/store/file/file-store.js';
import { FolderReader } from '../session/store/file/folder-reader.js';
import { isRequested, makeRequest, stockOf } from '../session/store/file/index/reindex-request.js';
import { CommandError } from './command-error.js';
import { startProgress } from './progress.js';
import { count, duration } from './text.js';

const LOOK_MS = 200;
/** How long a server has to notice that it is asked, in milliseconds. */
const ANSWER_MS = 10_000;

interface Folder {
  readonly path: string;
  readonly legacyTimeZone: string;
}

export function reindexCommand(): Command {
  return new Command('reindex')
    .description(
      'Make the index of a data folder anew; it picks up folders that were added or removed by hand.',
    )
    .argument('[path]', 'the data folder (default: DATA_SESSIONS_PATH, else data/sessions)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A server that has the folder open is asked to do it, and goes on meanwhile. Without one, the folder is
open for this command as long as it takes, and a server that is started then is refused.

Exit code: 0 the index is complete, 2 it could not be made.`,
    )
    .action(reindex);
}

async function reindex(given: string | undefined, options: { readonly json?: boolean }): Promise<void> {
  const { dataSessionsPath, legacyTimeZone } = loadFolderConfig();
  const folder = { path: given ?? dataSessionsPath, legacyTimeZone };
  // Opened for writing, a folder that is none would be made one.
  const { storeId } = await FolderReader.open(folder);
  const begun = performance.now();
  const by = await doneHere(folder).catch((error) => doneByHolder(folder, storeId, error));
  const { sessions, server } = by;
  const ms = Math.round(performance.now() - begun);
  if (options.json) process.stdout.write(`${JSON.stringify({ path: folder.path, sessions, server, ms })}\n`);
  const whose = server ? ' by the server that has the folder' : '';
  process.stderr.write(`the index was made anew in ${duration(ms)}${whose}: ${count(sessions, 'session')}\n`);
}

interface Done {
  readonly sessions: number;
  /** Whether a server did it. */
  readonly server: boolean;
}

async function doneHere({ path, legacyTimeZone }: Folder): Promise<Done> {
  const warn = (message: string, cause: unknown) =>
    void process.stderr.write(`${message} (${String(cause)})\n`);
  const store = await FileStore.open({ path, legacyTimeZone, warn });
  try {
    const { takingStock } = await store.health();
    const done = takingStock ? store.whenComplete() : store.reindex();
    await shown(store, done);
    const { total = 0 } = await store.list({ limit: 1, counted: true });
    return { sessions: total, server: false };
  } finally {
    await store.close();
  }
}

async function shown(store: FileStore, done: Promise<void>): Promise<void> {
  const { takingStock } = await store.health();
  const progress = startProgress('looked through', 'day folder', takingStock?.days ?? 0);
  const looking = setInterval(async () => {
    const { takingStock: now } = await store.health();
    if (now) progress.update(now.daysDone, count(now.sessions, 'session'));
  }, LOOK_MS);
  await done.finally(() => {
    clearInterval(looking);
    progress.stop();
  });
}

async function doneByHolder({ path }: Folder, storeId: string, error: unknown): Promise<Done> {
  if (!(error instanceof StoreOpenError && error.fault === 'held')) throw error;
  const root = resolve(path);
  const before = stockOf(root, storeId)?.times ?? 0;
  process.stderr.write(
    'a server has the folder open: it is asked to make the index anew, and tells in its log how far it is\n',
  );
  makeRequest(root);
  const until = Date.now() + ANSWER_MS;
  while (isRequested(root)) {
    if (Date.now() > until) throw new CommandError(`${error.message}; it does not answer`);
    await pause(LOOK_MS);
  }
  for (;;) {
    const { times = 0, sessions } = stockOf(root, storeId) ?? {};
    if (sessions !== undefined && times > before) return { sessions, server: true };
    await pause(LOOK_MS);
  }
}
