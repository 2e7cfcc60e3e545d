/**
 * A data folder whose sessions are copied into another store: read as it stands, without a lock, and never written to.
 */

import { randomUUID } from 'node:crypto';
import { join, resolve, sep } from 'node:path';
import { SessionCorruptedError, StoreOpenError } from '../../domain/errors.js';
import { logPosition, sealEvents } from '../../domain/event-log.js';
import { fold, type Session } from '../../domain/session.js';
import type { EventDraft } from '../../domain/session-event.js';
import { isLegacyId, parseSessionId } from '../../domain/session-id.js';
import { isDamage, type Problem } from '../../domain/verification.js';
import {
  type CopySource,
  isTooMuch,
  notCopyable,
  type ReadSession,
  type SourceEntry,
  type WholeSession,
} from '../session-copy.js';
import type { FileSystem } from './durable-file.js';
import { FolderReader, MISPLACED } from './folder-reader.js';
import { type FolderEntry, isDay, SessionFolders, VIEW_FILE } from './session-folders.js';
import { SessionLoader } from './session-loader.js';
import { SessionVerifier } from './session-verifier.js';
import { STORE_ACTOR } from './session-writer.js';
import { isHeld, LOCK_FILE } from './store-folder.js';
import { ifAbsent, STORE_FOLDER } from './store-format.js';
import { systemFiles } from './system-files.js';

export interface FolderSourceOptions {
  /** The data folder. */
  readonly path: string;
  /** IANA name of the zone of times without one, in folders of the Python component. Default `UTC`. */
  readonly legacyTimeZone?: string;
  /** Told of what lies there and is no session, by its path in the data folder. */
  readonly passOver?: (path: string) => void;
}

type Entry = SourceEntry & FolderEntry;

export class FolderSource implements CopySource<Entry> {
  readonly #verifier: SessionVerifier;
  readonly #loader: SessionLoader;
  #passOver: ((path: string) => void) | undefined;

  private constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    readonly storeId: string,
    { legacyTimeZone = 'UTC', passOver }: FolderSourceOptions,
  ) {
    this.#verifier = new SessionVerifier(files, folders, { storeId, legacyTimeZone });
    this.#loader = new SessionLoader(files, folders, { storeId, legacyTimeZone });
    this.#passOver = passOver;
  }

  /** @throws StoreOpenError whose message is one line that says what to do */
  static async open(options: FolderSourceOptions): Promise<FolderSource> {
    const root = resolve(options.path);
    const { storeId } = await FolderReader.open(options);
    if (isHeld(root))
      throw new StoreOpenError(
        'held',
        `The data folder ${root} is in use: what is written to it while it is copied would be lost; stop the server first`,
      );
    return new FolderSource(systemFiles, new SessionFolders(systemFiles, options.path), storeId, options);
  }

  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this.folders.walk()) count++;
    return count;
  }

  async *entries(): AsyncIterable<Entry> {
    const tell = this.#passOver;
    // Once is enough.
    this.#passOver = undefined;
    const others: string[] = [];
    for await (const entry of this.folders.walk((path) => others.push(path))) {
      yield* this.#lost(others.splice(0), tell);
      const problem = (await this.#loader.leadsTo(entry)) ? undefined : MISPLACED;
      yield { ...entry, bytes: await this.#sizeOf(entry), ...(problem && { problem }) };
    }
    yield* this.#lost(others, tell);
  }

  /** Of what is no session: what is called as a day or a session and leads nowhere. Some may lie behind it. */
  async *#lost(paths: readonly string[], tell = (_path: string) => {}): AsyncIterable<Entry> {
    for (const path of paths) {
      const [first = '', id = ''] = path.split(sep);
      const isLost =
        (id === '' && isDay(first)) || parseSessionId(id) !== undefined || (await this.#isDangling(id, path));
      if (isLost) yield { id: id || first, day: first, bytes: 0, problem: LEADS_NOWHERE };
      else tell(path);
    }
  }

  async #isDangling(id: string, path: string): Promise<boolean> {
    if (!isLegacyId(id)) return false;
    return (await this.files.stat(join(this.folders.root, path)).catch(ifAbsent)) === undefined;
  }

  async missing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const missing = new Set<string>();
    for (const id of ids) if (!(await this.#loader.find(id))) missing.add(id);
    return missing;
  }

  async read(entries: readonly Entry[], importedAt: Date): Promise<readonly ReadSession[]> {
    const read: ReadSession[] = [];
    for (const entry of entries) {
      const one = await this.#read(entry, importedAt).catch((error) => tooMuch(entry.id, error));
      if (one) read.push(one);
    }
    return read;
  }

  /** Who opens the folder for writing puts a note into its lock file, and holds the lock. */
  async stamp(): Promise<string> {
    const lock = await this.files.stat(join(this.folders.root, STORE_FOLDER, LOCK_FILE)).catch(ifAbsent);
    return isHeld(this.folders.root) ? randomUUID() : `${lock?.ino} ${lock?.ctimeMs}`;
  }

  async close(): Promise<void> {}

  async #read(entry: FolderEntry, importedAt: Date): Promise<ReadSession | undefined> {
    const { id } = entry;
    const examined = await this.#verifier.examine(entry);
    if (!examined) return undefined;
    const { events, problems, log, tails = new Map<string, Buffer>() } = examined;
    if (problems.some(isDamage)) return { id, problems, imported: false };
    if (log) {
      const whole = { log, tails, session: fold(undefined, events) as Session };
      return { id, problems, whole, imported: false };
    }
    return this.#import(entry, importedAt);
  }

  /** The log that an adoption would begin: what the Python component left, and no event after that. */
  async #import(entry: FolderEntry, at: Date): Promise<ReadSession | undefined> {
    const { id } = entry;
    try {
      const loaded = await this.#loader.loadFrom(entry);
      return (
        loaded?.imported && { id, problems: [], whole: this.#seal(id, loaded.imported, at), imported: true }
      );
    } catch (error) {
      if (!(error instanceof SessionCorruptedError)) throw error;
      return { id, problems: [unreadable((error.cause as Error).message)], imported: false };
    }
  }

  #seal(id: string, data: (EventDraft & { type: 'session_imported' })['data'], at: Date): WholeSession {
    const decision = { at, actor: STORE_ACTOR, events: [{ type: 'session_imported' as const, data }] };
    const { lines, events } = sealEvents(logPosition(this.storeId, id), decision);
    return { log: lines, tails: new Map(), session: fold(undefined, events) as Session };
  }

  async #sizeOf(entry: FolderEntry): Promise<number> {
    const sizeAt = (path: string) =>
      this.files.stat(path).then(
        ({ size }) => size,
        () => undefined,
      );
    return (
      (await sizeAt(this.folders.log(entry))) ??
      (await sizeAt(join(this.folders.path(entry), VIEW_FILE))) ??
      0
    );
  }
}

/** One that is too deep or too long concerns itself, and keeps nobody from copying the others. */
function tooMuch(id: string, error: unknown): ReadSession {
  if (!isTooMuch(error)) throw error;
  return { id, problems: [notCopyable(error.message)], imported: false };
}

const LEADS_NOWHERE: Problem = {
  seq: null,
  kind: 'file_unreadable',
  message: 'there is no folder where its name stands: a link that leads nowhere, or a file',
};

function unreadable(message: string): Problem {
  return { seq: null, kind: 'file_unreadable', message };
}
