/**
 * Which data folder a command is about: `--path FOLDER`, for some also an argument, else what the configuration says.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadFolderConfig } from '../config.js';

export interface FolderOptions {
  readonly path?: string;
}

export interface Folder {
  readonly path: string;
  readonly legacyTimeZone: string;
}

const WHICH = 'the data folder (default: DATA_SESSIONS_PATH, else data/sessions)';

export function withFolderOption(command: Command): Command {
  return command.option('--path <folder>', WHICH);
}

/** For commands that have no other argument. */
export function withFolder(command: Command): Command {
  return withFolderOption(command.argument('[path]', WHICH));
}

/** Both may be given, if they are the same. */
export function folderOf(command: Command, argument: string | undefined, { path }: FolderOptions): Folder {
  if (argument !== undefined && path !== undefined && resolve(argument) !== resolve(path))
    command.error(`error: two folders are given: ${argument} and --path ${path}`);
  const { dataSessionsPath, legacyTimeZone } = loadFolderConfig();
  return { path: path ?? argument ?? dataSessionsPath, legacyTimeZone };
}
