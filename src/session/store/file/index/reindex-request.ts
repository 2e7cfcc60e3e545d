/**
 * How the command line asks for a reindex: of a store that it opens itself, or of the process that has the folder, which
 * finds a file in `.store` and takes it away. That process tells how far it is in its log; when it is done, the index says.
 */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STORE_FOLDER } from '../store-format.js';
import { IndexDatabase } from './index-database.js';
import { indexPath } from './index-schema.js';

const REQUEST_FILE = 'reindex';

function requestIn(root: string): string {
  return join(root, STORE_FOLDER, REQUEST_FILE);
}

/** Asks the process that has the folder. */
export function makeRequest(root: string): void {
  writeFileSync(requestIn(root), '');
}

/** Whether somebody asked; asked once, it is answered once. */
export function takeRequest(root: string): boolean {
  const request = requestIn(root);
  if (!existsSync(request)) return false;
  rmSync(request, { force: true });
  return true;
}

export function isRequested(root: string): boolean {
  return existsSync(requestIn(root));
}

/** What the index of a folder says of the taking of stock. */
export interface Stock {
  /** How often it was begun. */
  readonly times: number;
  /** How many sessions there are; `undefined` until the last time is over. */
  readonly sessions: number | undefined;
}

/** `undefined` when there is no index to ask. */
export function stockOf(root: string, storeId: string): Stock | undefined {
  const kept = IndexDatabase.openKept(indexPath(root), storeId);
  if (!kept) return undefined;
  const { about, database } = kept;
  const sessions = about.complete ? database.count() : undefined;
  database.abandon();
  return { times: about.scan, sessions };
}
