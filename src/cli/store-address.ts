/**
 * Which store is meant: `file:FOLDER`, `postgres://…`, or just `file` or `postgres`, as in STORE, for the one that the
 * configuration names. What is shown of an address never has a password.
 */

import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCopyConfig, loadDatabaseUrl } from '../config.js';
import { isDatabaseAddress, isSamePlace, shownAddress } from '../session/store/database-address.js';
import { realPath } from '../session/store/file/real-path.js';
import { CommandError } from './command-error.js';

export type StoreAddress =
  | { readonly kind: 'file'; readonly path: string; readonly shown: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly shown: string };

/** @param option under which it was given, for the message @throws CommandError that does not repeat it */
export function storeAddress(given: string, option: string): StoreAddress {
  if (given === 'file') return folder(loadCopyConfig().dataSessionsPath);
  if (given === 'postgres') return database(loadDatabaseUrl());
  if (isDatabaseAddress(given)) return database(given);
  const path = pathOf(given);
  if (path && !path.includes('\0')) return folder(path);
  throw new CommandError(
    `${option} is not the address of a store: it should be like file:data/sessions or postgres://user@host/database, with what is special in a password encoded; or file or postgres for the one of the configuration`,
  );
}

export function isSameAddress(one: StoreAddress, other: StoreAddress): boolean {
  if (one.kind === 'file') return other.kind === 'file' && realPath(one.path) === realPath(other.path);
  return other.kind === 'postgres' && isSamePlace(one.url, other.url);
}

/** Whether one of two folders lies in the other one. */
export function isNested(one: StoreAddress, other: StoreAddress): boolean {
  if (one.kind !== 'file' || other.kind !== 'file') return false;
  const [first, second] = [join(realPath(one.path), sep), join(realPath(other.path), sep)];
  return first.startsWith(second) || second.startsWith(first);
}

function folder(path: string): StoreAddress {
  return { kind: 'file', path, shown: `file:${path}` };
}

function database(url: string): StoreAddress {
  return { kind: 'postgres', url, shown: shownAddress(url) };
}

/** `file:` with a path as it is, or a URL of a file. */
function pathOf(given: string): string | undefined {
  if (!given.startsWith('file:')) return undefined;
  if (!given.startsWith('file://')) return given.slice('file:'.length);
  try {
    return fileURLToPath(given);
  } catch {
    return undefined;
  }
}
