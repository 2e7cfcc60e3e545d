/**
 * What is done when a data folder is opened after a stop that was not clean: what was made last is durable before anybody
 * sees it, and what was left half made is taken away.
 */

import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { StoreOpenError } from '../../domain/errors.js';
import { type FileSystem, type SharedSyncs, syncFolder } from './durable-file.js';
import { EVENTS_FILE, type FolderEntry, type SessionFolders } from './session-folders.js';
import { ifAbsent } from './store-format.js';

/** How many sessions are looked at side by side. */
const SIDE_BY_SIDE = 16;

/** What a start after an unclean stop works with. */
export interface UncleanStop {
  readonly files: FileSystem;
  readonly folders: SessionFolders;
  readonly syncs: SharedSyncs;
}

/** Nothing is known of the last writes: what lies in the day folders is durable before anybody sees it. @throws StoreOpenError */
export async function settleDays({ files, folders }: UncleanStop): Promise<void> {
  await inOrder(folders, async () => {
    await syncFolder(files, folders.root);
    for (const day of await folders.days()) await syncFolder(files, join(folders.root, day));
  });
}

/**
 * These sessions had a write under way: each is durable as it stands, and nothing of it is left half made. Swept last:
 * until a session is durably out of its place, a power cut can put it back there, and then it needs all its files.
 * @throws StoreOpenError
 */
export async function settleSessions(stop: UncleanStop, entries: readonly FolderEntry[]): Promise<void> {
  const limit = pLimit(SIDE_BY_SIDE);
  await inOrder(stop.folders, async () => {
    await syncFolder(stop.files, stop.folders.root);
    await Promise.all(entries.map((entry) => limit(() => settleSession(stop, entry))));
    for (const entry of entries) await sweep(stop, entry);
  });
}

async function settleSession({ folders, syncs }: UncleanStop, entry: FolderEntry): Promise<void> {
  const folder = folders.path(entry);
  await syncs.folder(dirname(folder)).catch(ifAbsent);
  await syncs.file(join(folder, EVENTS_FILE)).catch(ifAbsent);
  await syncs.folder(folder).catch(ifAbsent);
}

async function sweep({ files, folders }: UncleanStop, entry: FolderEntry): Promise<void> {
  for (const path of [folders.building(entry), folders.removed(entry)])
    await files.rm(path, { recursive: true, force: true });
}

async function inOrder(folders: SessionFolders, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    const message = `The data folder ${folders.root} could not be brought in order after an unclean stop (${why}): check the disk and its permissions`;
    throw new StoreOpenError('not_writable', message, error);
  }
}
