/**
 * Where sessions lie in the data folder: names, paths, the days there are. A session of our own is found by computing
 * its path from its id; only folders of the Python component are looked for.
 */

import type { Dirent } from 'node:fs';
import { join, normalize, resolve, sep } from 'node:path';
import { isLegacyId, parseSessionId } from '../../domain/session-id.js';
import type { FileSystem } from './durable-file.js';

export const EVENTS_FILE = 'events.jsonl';
export const VIEW_FILE = 'session_metadata.json';
/** Folders under construction or being taken away; no session is ever called so. */
export const TEMPORARY_PREFIX = '.tmp-';

/** `2024-01-15`, and the Python component's `2024-01-15-1030`. */
const DAY_FOLDER = /^\d{4}-\d{2}-\d{2}(-([01]\d|2[0-3])[0-5]\d)?$/;
const DAY_LENGTH = '2024-01-15'.length;

/** A session's folder as a listing finds it. */
export interface FolderEntry {
  readonly id: string;
  /** Name of the day folder it lies in. */
  readonly day: string;
}

export class SessionFolders {
  /** Absolute path of the data folder. */
  readonly root: string;
  readonly #givenPath: string;

  /** @param path the data folder, as it was given */
  constructor(
    private readonly files: FileSystem,
    path: string,
  ) {
    this.root = resolve(path);
    this.#givenPath = normalize(path).replaceAll(sep, '/').replace(/\/$/, '');
  }

  /** Where a session's trail lies, for people: below the data folder as it was given. */
  auditPath({ id, day }: FolderEntry): string {
    return `${this.#givenPath}/${day}/${id}`;
  }

  path(entry: FolderEntry): string {
    return join(this.root, entry.day, entry.id);
  }

  log(entry: FolderEntry): string {
    return join(this.path(entry), EVENTS_FILE);
  }

  /** Where a session's folder is made before it takes its place. */
  building({ id, day }: FolderEntry): string {
    return join(this.root, day, `${TEMPORARY_PREFIX}${id}`);
  }

  /** Where a session's folder goes that is taken away. */
  removed({ id, day }: FolderEntry): string {
    return join(this.root, day, `${TEMPORARY_PREFIX}removed-${id}`);
  }

  /** Where a session of this id is or would be made; `undefined` for an id that is not of our grammar. */
  computed(id: string): FolderEntry | undefined {
    const parts = parseSessionId(id);
    return parts && { id, day: parts.day };
  }

  /** The folders in which a session of this id may lie besides the computed one: those of the Python component. */
  async others(id: string): Promise<FolderEntry[]> {
    if (!isLegacyId(id)) return [];
    const day = parseSessionId(id)?.day;
    const days = await this.days();
    const candidates = day ? days.filter((name) => name !== day && name.startsWith(day)) : days;
    return candidates.map((name) => ({ id, day: name }));
  }

  /** Names of all day folders, newest first. */
  async days(): Promise<string[]> {
    const names = await this.#foldersIn(this.root);
    return names.filter(isDay).sort(byDayNewestFirst);
  }

  /** When each day folder was changed last (ctime, which nobody can set), in milliseconds since 1970. */
  async changes(): Promise<Map<string, number>> {
    const changes = new Map<string, number>();
    for (const day of await this.days()) {
      // One that cannot be looked at counts as another than before.
      const found = await this.files.stat(join(this.root, day)).catch(() => undefined);
      if (found) changes.set(day, found.ctimeMs);
    }
    return changes;
  }

  /** The names of all folders in a day folder, in no order. Memory does not grow with their number. */
  async *namesIn(day: string): AsyncGenerator<string> {
    const path = join(this.root, day);
    const content = await this.files.opendir(path).catch(ifGone);
    for await (const entry of content ?? []) if (await this.#isFolder(path, entry)) yield entry.name;
  }

  /** Whether a folder in a day folder is called as a session that is found there. */
  isSession(entry: FolderEntry): boolean {
    return isLegacyId(entry.id) && this.#belongs(entry);
  }

  /**
   * Every folder that is called as a session, also under a day that it does not belong to: day by day from the oldest
   * on, within a day in no order. Memory does not grow with their number.
   * @param passOver told of every other entry, by its path in the data folder; not of the store's own
   */
  async *walk(passOver: (path: string) => void = () => undefined): AsyncGenerator<FolderEntry> {
    const days = new Set(await this.days());
    for await (const { name } of await this.files.opendir(this.root))
      if (!days.has(name) && !name.startsWith('.')) passOver(name);
    for (const day of [...days].reverse()) {
      const path = join(this.root, day);
      for await (const entry of await this.files.opendir(path)) {
        const { name } = entry;
        if (isLegacyId(name) && (await this.#isFolder(path, entry))) yield { id: name, day };
        else if (!name.startsWith('.')) passOver(join(day, name));
      }
    }
  }

  /** An id of our grammar names its day: a folder that was moved under another one is no session of ours. */
  #belongs({ id, day }: FolderEntry): boolean {
    const parts = parseSessionId(id);
    return parts === undefined || day.startsWith(parts.day);
  }

  async #foldersIn(path: string): Promise<string[]> {
    const names: string[] = [];
    for (const entry of await this.files.readdir(path, { withFileTypes: true })) {
      if (await this.#isFolder(path, entry)) names.push(entry.name);
    }
    return names;
  }

  async #isFolder(path: string, entry: Dirent): Promise<boolean> {
    return entry.isSymbolicLink() ? this.#leadsToFolder(join(path, entry.name)) : entry.isDirectory();
  }

  /** A day on another disk is linked; what is found by its path has to be listed too. */
  async #leadsToFolder(link: string): Promise<boolean> {
    return this.files.stat(link).then(
      (found) => found.isDirectory(),
      () => false,
    );
  }
}

/** Whether a folder is called as a day that there is: in another, no session can have been made. */
export function isDay(name: string): boolean {
  if (!DAY_FOLDER.test(name)) return false;
  const day = name.slice(0, DAY_LENGTH);
  const time = new Date(`${day}T00:00:00.000Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
}

/** The session of which a folder is half made or half removed. */
export function idOfTemporary(name: string): string {
  return name.slice(TEMPORARY_PREFIX.length).replace(/^removed-/, '');
}

/** A folder that was taken away meanwhile is empty. */
function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Days in reverse; a day's own folder before its minute folders, which are the latest first. Of several folders with sessions
 * of one id, the id leads to the first in this order.
 */
export function byDayNewestFirst(left: string, right: string): number {
  if (left === right) return 0;
  const [leftDay, rightDay] = [left.slice(0, DAY_LENGTH), right.slice(0, DAY_LENGTH)];
  if (leftDay !== rightDay) return leftDay < rightDay ? 1 : -1;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? 1 : -1;
}
