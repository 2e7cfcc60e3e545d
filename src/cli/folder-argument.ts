/**
 * Which data folder a command is about: `--path FOLDER`, for some also an argument, else what the configuration says.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadFolderConfig } from '../config.js';
import { CommandError } from './command-error.js';

export interface FolderOptions {
  readonly path?: string;
}

export interface Folder {
  readonly path: string;
  readonly legacyTimeZone: string;
}

/** What is done with a database instead, where sessions are in one. */
const IN_A_DATABASE: Readonly<Record<string, string>> = {
  verify:
    'name one (impact-session verify FOLDER); a database is verified by GET /session/{id}/verify or the statement of docs/STORAGE.md, section 13',
  show: 'name one (impact-session show ID --path FOLDER); what a database holds is shown by GET /session/{id} and /session/{id}/events',
  reindex:
    'name one (impact-session reindex FOLDER); a database keeps its indexes itself, and needs none made anew',
};

const WHICH = 'the data folder (default: DATA_SESSIONS_PATH, else data/sessions)';

export function withFolderOption(command: Command): Command {
  return command.option('--path <folder>', WHICH);
}

/** For commands that have no other argument. */
export function withFolder(command: Command): Command {
  return withFolderOption(command.argument('[path]', WHICH));
}

/**
 * Both may be given, if they are the same. Where sessions are in a database, the folder of the configuration is not taken
 * unasked: it may hold what was there before.
 */
export function folderOf(command: Command, argument: string | undefined, { path }: FolderOptions): Folder {
  if (argument !== undefined && path !== undefined && resolve(argument) !== resolve(path))
    command.error(`error: two folders are given: ${argument} and --path ${path}`);
  const { store, dataSessionsPath, legacyTimeZone } = loadFolderConfig();
  const given = path ?? argument;
  if (given === undefined && store === 'postgres')
    throw new CommandError(
      `STORE is postgres, and ${command.name()} is about folders: ${IN_A_DATABASE[command.name()]}`,
    );
  return { path: given ?? dataSessionsPath, legacyTimeZone };
}
