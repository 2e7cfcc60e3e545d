/**
 * The data folders that are measured on: found where an earlier run left them, continued where it was interrupted, or
 * made.
 */

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { count } from '../../dist/cli/text.js';
import { readNote, today } from './plan.js';
import { seed } from './seeder.js';

const DAY_FOLDER = /^\d{4}-\d{2}-\d{2}$/;

export interface DataSet {
  readonly sessions: number;
  /** Of one of its sessions; of an empty one, what is answered all the same. */
  readonly onePath: string;
}

export interface FolderSet extends DataSet {
  readonly folder: string;
}

/** Where a data set of so many sessions lies. Not in the system's temporary folder, which may be in memory. */
export function dataFolderOf(sessions: number): string {
  return resolve('bench', 'data', `sessions-${sessions}`);
}

/** @param folders data folders that somebody made with bench:seed elsewhere */
export async function dataSetOf(sessions: number, folders: readonly string[]): Promise<FolderSet> {
  const elsewhere = folders.map((folder) => resolve(folder)).find((folder) => isWhole(folder, sessions));
  const folder = elsewhere ?? dataFolderOf(sessions);
  if (isWhole(folder, sessions)) return { sessions, folder, onePath: onePath(folder) };
  const begun = readNote(folder);
  const plan = begun ?? { sessions, days: 365, seed: 1, until: today() };
  process.stderr.write(`making ${count(sessions, 'session')} to measure on\n`);
  await seed(folder, plan, { continue: begun !== undefined });
  return { sessions, folder, onePath: onePath(folder) };
}

function isWhole(folder: string, sessions: number): boolean {
  const note = readNote(folder);
  return note?.complete === true && note.sessions === sessions;
}

/** The ids of all sessions in a data folder, day by day: of a million it takes a second. */
export function* idsOf(folder: string): Generator<string> {
  for (const day of readdirSync(folder).filter((name) => DAY_FOLDER.test(name)))
    for (const name of readdirSync(join(folder, day))) if (name.startsWith('sess_')) yield name;
}

function onePath(folder: string): string {
  for (const id of idsOf(folder)) return `/session/${id}`;
  throw new Error('the data folder has no session');
}
