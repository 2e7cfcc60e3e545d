/**
 * The mark of a copy into a data folder that is not finished, `.store/copy.json`: while it is there nobody opens the folder but
 * who goes on with that copy.
 */

import { join } from 'node:path';
import { StoreOpenError } from '../../domain/errors.js';
import { type FileSystem, placeFile, syncFolder } from './durable-file.js';
import { ifAbsent, parseObject, STORE_FOLDER } from './store-format.js';

const MARK_FILE = 'copy.json';

export interface CopyMark {
  /** The store that is copied. */
  readonly storeId: string;
  readonly since: Date;
}

/** @throws StoreOpenError for one that nobody can read; the system's error */
export async function readCopyMark(files: FileSystem, root: string): Promise<CopyMark | undefined> {
  const text = await files.readFile(markIn(root), 'utf8').catch(ifAbsent);
  if (text === undefined) return undefined;
  const { store_id: storeId, since } = parseObject(text) ?? {};
  const time = new Date(typeof since === 'string' ? since : Number.NaN);
  if (typeof storeId !== 'string' || Number.isNaN(time.getTime())) throw halfCopied(root);
  return { storeId, since: time };
}

export async function writeCopyMark(files: FileSystem, root: string, mark: CopyMark): Promise<void> {
  const text = `${JSON.stringify({ store_id: mark.storeId, since: mark.since.toISOString() })}\n`;
  await placeFile(files, markIn(root), Buffer.from(text));
  await syncFolder(files, join(root, STORE_FOLDER));
}

export async function removeCopyMark(files: FileSystem, root: string): Promise<void> {
  await files.rm(markIn(root), { force: true });
  await syncFolder(files, join(root, STORE_FOLDER));
}

/** @throws StoreOpenError */
export async function refuseHalfCopied(files: FileSystem, root: string): Promise<void> {
  if ((await files.stat(markIn(root)).catch(ifAbsent)) !== undefined) throw halfCopied(root);
}

function halfCopied(root: string): StoreOpenError {
  return new StoreOpenError(
    'half_copied',
    `A copy into the data folder ${root} is not finished: run the same impact-session copy again, which goes on with it, or delete the folder`,
  );
}

function markIn(root: string): string {
  return join(root, STORE_FOLDER, MARK_FILE);
}
