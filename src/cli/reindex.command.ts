/**
 * `impact-session reindex`: makes the index of a data folder anew from its folders. Where another process has the folder
 * open, that one is asked to; where it ends before it is done, the command does it after all.
 */

import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { StoreOpenError } from '../session/domain/errors.js';
import { FileStore } from '../session/store/file/file-store.js';
import { FolderReader } from '../session/store/file/folder-reader.js';
import { askIndex, isAnyTaken, ReindexRequest } from '../session/store/file/index/reindex-request.js';
import { isHeld } from '../session/store/file/store-folder.js';
import { CommandError } from './command-error.js';
import { type Folder, type FolderOptions, folderOf, withFolder } from './folder-argument.js';
import { startProgress } from './progress.js';
import { count, duration } from './text.js';

const LOOK_MS = 200;
/** How long another process has to notice that it is asked, in milliseconds. */
const ANSWER_MS = 10_000;
/** How long nobody has the folder before it is taken, in milliseconds: a server that is being restarted comes first. */
const RESTART_MS = 3_000;

const NOT_ALL = 'the index was made anew, but for day folders that could not be looked through';

interface ReindexOptions extends FolderOptions {
  readonly json?: boolean;
}

export function reindexCommand(): Command {
  const command = new Command('reindex').description(
    'Make the index of a data folder anew; it picks up folders that were added or removed by hand.',
  );
  return withFolder(command)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A server that has the folder open is asked to do it, and goes on meanwhile. Without one, the folder is
open for this command as long as it takes, and a server that is started then is refused.

Exit code: 0 the index is complete, 2 it could not be made, or not of all day folders.`,
    )
    .action(reindex);
}

async function reindex(given: string | undefined, options: ReindexOptions, command: Command): Promise<void> {
  const folder = folderOf(command, given, options);
  // Opened for writing, a folder that is none would be made one.
  const { storeId } = await FolderReader.open(folder);
  const begun = performance.now();
  const { sessions, byAnother } = await makeAnew(folder, storeId);
  const ms = Math.round(performance.now() - begun);
  const told = { path: folder.path, sessions: sessions ?? null, by_another_process: byAnother, ms };
  if (options.json) process.stdout.write(`${JSON.stringify(told)}\n`);
  const whose = byAnother ? ' by the process that has the folder open' : '';
  const many = sessions === undefined ? '' : `: ${count(sessions, 'session')}`;
  process.stderr.write(`the index was made anew in ${duration(ms)}${whose}${many}\n`);
}

interface Done {
  /** How many there are; `undefined` when the index could not be asked. */
  readonly sessions: number | undefined;
  readonly byAnother: boolean;
}

async function makeAnew(folder: Folder, storeId: string): Promise<Done> {
  const root = resolve(folder.path);
  const request = new ReindexRequest(root);
  try {
    for (;;) {
      // Whoever opens the folder from now on, be it this command, does what is asked.
      const cannotAsk = asked(request);
      const sessions = await doneHere(folder, request.isMade).catch((error: unknown) => {
        if (!(error instanceof StoreOpenError && error.fault === 'held')) throw error;
        if (cannotAsk) throw new CommandError(`${error.message}; and it cannot be asked: ${cannotAsk}`);
        return error;
      });
      if (typeof sessions === 'number') return { sessions, byAnother: false };
      if (await doneByHolder(root, request, sessions)) {
        const indexed = askIndex(root, storeId);
        if (indexed && !indexed.complete && !isAnyTaken(root)) throw new CommandError(NOT_ALL);
        return { sessions: indexed?.sessions, byAnother: true };
      }
      process.stderr.write('no process has the folder open any more: the index is made anew here\n');
    }
  } finally {
    request.withdraw();
  }
}

/** Why it could not be asked. */
function asked(request: ReindexRequest): string | undefined {
  try {
    request.make();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** How many sessions there are. @throws StoreOpenError (`held`) */
async function doneHere({ path, legacyTimeZone }: Folder, isAsked: boolean): Promise<number> {
  const warn = (message: string, cause: unknown) =>
    void process.stderr.write(`${message} (${String(cause)})\n`);
  const store = await FileStore.open({ path, legacyTimeZone, warn });
  try {
    await shown(store, isAsked ? store.whenComplete() : store.reindex());
    for (let again = false; ; again = true) {
      const { total, complete } = await store.list({ limit: 1, counted: true });
      if (complete && total !== undefined) return total;
      if (again && !(await store.health()).takingStock) throw new CommandError(NOT_ALL);
      // It was damaged meanwhile, or somebody else has asked.
      await shown(store, store.whenComplete());
      await pause(LOOK_MS);
    }
  } finally {
    await store.close();
  }
}

async function shown(store: FileStore, done: Promise<void>): Promise<void> {
  const progress = startProgress('looked through', 'day folder');
  const looking = setInterval(async () => {
    const { takingStock: now } = await store.health();
    if (now) progress.update(now.daysDone, count(now.sessions, 'session'), now.days);
  }, LOOK_MS);
  await done.finally(() => {
    clearInterval(looking);
    progress.stop();
  });
}

/** Whether it was done; not when nobody has the folder any more. */
async function doneByHolder(root: string, request: ReindexRequest, held: StoreOpenError): Promise<boolean> {
  process.stderr.write(
    'another process has the folder open: it is asked to make the index anew, and tells in its log how far it is\n',
  );
  // When somebody had it last, and when nobody could be expected to notice the request.
  let [heldAt, heardAt] = [Date.now(), Date.now()];
  for (;;) {
    request.make();
    const { state } = request;
    if (state === 'answered') return true;
    const [now, isHeldNow] = [Date.now(), isHeld(root)];
    if (isHeldNow) heldAt = now;
    if (!isHeldNow || state === 'taken') heardAt = now;
    if (now - heldAt > RESTART_MS) return false;
    if (now - heardAt > ANSWER_MS) throw new CommandError(`${held.message}; it does not answer`);
    await pause(LOOK_MS);
  }
}
