/**
 * Which format a data folder is of, and which store it is: `.store/format.json`. A folder without it that holds logs
 * stays closed, since none of them would verify under a new id.
 */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { printable, StoreOpenError } from '../../domain/errors.js';
import { isJsonObject } from '../../domain/json.js';
import { type FileSystem, placeFile, syncFolder } from './durable-file.js';
import { EVENTS_FILE, SessionFolders } from './session-folders.js';

/** What is the store's own in a data folder. */
export const STORE_FOLDER = '.store';
const FORMAT_FILE = 'format.json';
const FORMAT = 1;
const MAX_FORMAT_BYTES = 64 * 1024;

/**
 * The store's id, which every chain begins with; `undefined` when the folder has no format.json.
 * @throws StoreOpenError for a format that this version does not know; the system's error
 */
export async function readStoreId(files: FileSystem, root: string): Promise<string | undefined> {
  const path = join(root, STORE_FOLDER, FORMAT_FILE);
  return (await isThere(files, path)) ? checkFormat(root, path, await readText(files, path)) : undefined;
}

/**
 * Gives a data folder that has none its id, durably.
 * @throws StoreOpenError when it holds logs of a store whose id is lost; the system's error
 */
export async function makeStoreId(files: FileSystem, root: string): Promise<string> {
  await refuseLogsWithoutFormat(files, root, join(root, STORE_FOLDER, FORMAT_FILE));
  const storeId = randomUUID();
  await putStoreId(files, root, storeId);
  return storeId;
}

/** Makes a data folder that holds no log the store of this id, durably. */
export async function putStoreId(files: FileSystem, root: string, storeId: string): Promise<void> {
  const format = { format: FORMAT, store_id: storeId, created_at: new Date().toISOString() };
  const bytes = Buffer.from(`${JSON.stringify(format)}\n`);
  await placeFile(files, join(root, STORE_FOLDER, FORMAT_FILE), bytes);
  await syncFolder(files, join(root, STORE_FOLDER));
}

function checkFormat(root: string, path: string, text: string): string {
  const format = parseObject(text);
  if (format?.format === FORMAT && typeof format.store_id === 'string' && format.store_id)
    return format.store_id;
  const found = describeFormat(format);
  throw new StoreOpenError(
    'unknown_format',
    `The data folder ${root} is not one that this version can open: ${path} ${found}, and this version knows format ${FORMAT}; use the version that wrote it, or restore that file from a backup`,
  );
}

function describeFormat(format: Record<string, unknown> | undefined): string {
  if (format?.format === undefined) return 'cannot be read';
  return format.format === FORMAT
    ? 'lacks its store_id'
    : `names format ${printable(JSON.stringify(format.format))}`;
}

/** A JSON object's text as an object; `undefined` for any other text. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Under a new store id no log of an old one would verify: without its format.json a store stays closed. */
async function refuseLogsWithoutFormat(files: FileSystem, root: string, path: string): Promise<void> {
  const folders = new SessionFolders(files, root);
  for (const day of await folders.days()) {
    for await (const id of folders.namesIn(day)) {
      const entry = { id, day };
      if (!folders.isSession(entry) || !(await isThere(files, join(folders.path(entry), EVENTS_FILE))))
        continue;
      throw new StoreOpenError(
        'unknown_format',
        `The data folder ${root} holds sessions and has lost ${path}, which their trails are bound to: restore that file from a backup`,
      );
    }
  }
}

/** A pipe in the file's place would be waited for without end: it reads as nothing. */
async function readText(files: FileSystem, path: string): Promise<string> {
  const found = await files.stat(path);
  return found.isFile() && found.size < MAX_FORMAT_BYTES ? files.readFile(path, 'utf8') : '';
}

/** For a failed call: nothing is there. Every other failure is thrown on. */
export function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) throw error;
}

async function isThere(files: FileSystem, path: string): Promise<boolean> {
  const found = await files.stat(path).catch(ifAbsent);
  return found !== undefined;
}
