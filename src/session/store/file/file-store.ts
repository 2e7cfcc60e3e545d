/**
 * FileStore: sessions as folders of a data folder, one process writing. Commands on a session run in turn, readers
 * see what is durable, states are cached; reading and writing folders is the loader's and the writer's work.
 */

import { resolve } from 'node:path';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import { isSessionError, SessionCorruptedError, StoreUnavailableError } from '../../domain/errors.js';
import type { Decision } from '../../domain/event-log.js';
import type { Session } from '../../domain/session.js';
import { corruptedSession, type ListedSession, listedSession } from '../../domain/session-document.js';
import type { Verification } from '../../domain/verification.js';
import {
  type EventPage,
  type EventQuery,
  type ListQuery,
  type SessionPage,
  type SessionStats,
  SessionStore,
  type StoredSession,
  type StoreHealth,
} from '../session-store.js';
import { CommandQueue } from './command-queue.js';
import { type FileSystem, SharedSyncs, SyncFailedError, systemFiles } from './durable-file.js';
import { isTimeZone } from './naive-time.js';
import { type FolderEntry, newestFirst, SessionFolders } from './session-folders.js';
import { type LoadedSession, SessionLoader } from './session-loader.js';
import { SessionVerifier } from './session-verifier.js';
import { SessionWriter } from './session-writer.js';
import { openStoreFolder, type StoreFolder } from './store-folder.js';
import { ViewWriter } from './view-writer.js';

export interface FileStoreOptions {
  /** The data folder; made when missing. */
  readonly path: string;
  /** IANA name of the zone of times without one, in folders of the Python component. Default `UTC`. */
  readonly legacyTimeZone?: string;
  readonly allowNetworkFilesystem?: boolean;
  /** Told of what an operator should know and no caller waits for. */
  readonly warn?: Warn;
  /** The file system; for tests. */
  readonly files?: FileSystem;
}

type Warn = (message: string, cause: unknown) => void;

/** Memory that states of sessions may take, in bytes, by a rough count. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** How many sessions are made, and how many are read for a listing, side by side: bounds open files. */
const CREATORS = 64;
const LIST_READERS = 16;
/** How many may wait to be made before a further one is turned away. */
const MAX_WAITING_CREATORS = 10_000;
/** How long the lock is believed in after it was seen, in milliseconds. */
const LOCK_CHECK_MS = 200;

export class FileStore extends SessionStore {
  readonly #queue = new CommandQueue();
  readonly #limitCreators = pLimit(CREATORS);
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #writer: SessionWriter;
  readonly #cache = new LRUCache<string, LoadedSession>({
    maxSize: CACHE_BYTES,
    sizeCalculation: sizeOf,
  });
  /** Sessions whose folder may have its name and is not yet durable: no listing shows them. */
  readonly #creating = new Set<string>();
  /**
   * Sessions of which a command's outcome is unknown, as they were before it: what is on the disk since then is not to
   * be seen, and not to be built upon, until the next start has made it durable.
   */
  readonly #frozen = new Map<string, LoadedSession | undefined>();
  /** Whether something is left over that the next start has to delete. */
  #untidy = false;
  #lockSeenAt = Date.now();
  /** Why nothing is written any more. */
  #stopped: string | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    files: FileSystem,
    private readonly holding: StoreFolder,
    private readonly folders: SessionFolders,
    syncs: SharedSyncs,
    private readonly loader: SessionLoader,
    private readonly verifier: SessionVerifier,
    private readonly views: ViewWriter,
    private readonly warn: Warn,
  ) {
    super();
    this.#writer = new SessionWriter(files, folders, syncs, loader, holding.storeId, (path, cause) => {
      this.#untidy = true;
      warn(`${path} is left over and could not be deleted; the next start will try again`, cause);
    });
  }

  /** @throws StoreOpenError whose message is one line that says what to do */
  static async open(options: FileStoreOptions): Promise<FileStore> {
    const { files = systemFiles, warn = () => undefined, legacyTimeZone = 'UTC' } = options;
    const { allowNetworkFilesystem = false } = options;
    if (!isTimeZone(legacyTimeZone)) throw new RangeError(`not a time zone: ${legacyTimeZone}`);
    const holding = await openStoreFolder(files, resolve(options.path), { allowNetworkFilesystem });
    const { storeId, closedCleanly } = holding;
    const folders = new SessionFolders(files, options.path);
    const syncs = new SharedSyncs(files);
    const reading = { storeId, legacyTimeZone, syncs: closedCleanly ? undefined : syncs };
    const loader = new SessionLoader(files, folders, reading);
    const verifier = new SessionVerifier(files, folders, reading);
    const views = new ViewWriter(files, warn);
    return new FileStore(files, holding, folders, syncs, loader, verifier, views, warn);
  }

  override create(ids: Iterable<string>, opening: Decision): Promise<StoredSession> {
    if (this.#limitCreators.pendingCount >= MAX_WAITING_CREATORS)
      return Promise.reject(new StoreUnavailableError('Too many sessions wait to be made', 'not_applied'));
    return this.#accept(() =>
      this.#limitCreators(async () => {
        for (const id of ids) {
          const created = await this.#queue.run(id, () => this.#createAs(id, opening));
          if (created) return this.#stored(created);
        }
        throw new StoreUnavailableError('No free session id was found in this second', 'not_applied');
      }),
    );
  }

  override append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined> {
    return this.#command(id, async () => {
      const current = await this.#load(id);
      if (!current) return undefined;
      const decision = decide(current.session);
      if (decision.events.length === 0) return this.#stored(current);
      const written = await this.#change(id, current, () => this.#writer.write(current, decision));
      this.#cache.set(id, written);
      this.views.schedule(written.session, written.folder);
      return this.#stored(written);
    });
  }

  override read(id: string): Promise<StoredSession | undefined> {
    return this.#accept(async () => {
      const loaded = await this.#current(id);
      return loaded && this.#stored(loaded);
    });
  }

  override events(id: string, query: EventQuery): Promise<EventPage | undefined> {
    return this.#accept(() => this.#eventsOf(id, query));
  }

  /** Walks the day folders, newest first: its cost grows with the number of sessions until there is an index. */
  override list({ limit, offset = 0 }: ListQuery): Promise<SessionPage> {
    return this.#accept(() => this.#page({ limit, offset }));
  }

  override async stats(): Promise<SessionStats> {
    throw new Error('to come');
  }

  /** In the session's turn: no write is under way then, and the log has to be what this store wrote. */
  override verify(id: string): Promise<Verification | undefined> {
    return this.#accept(() =>
      this.#queue.run(id, async () => {
        this.#assertKnown(id);
        // Not loaded for this: that would have the view made anew, and an altered one is what is looked for.
        const cached = this.#cache.peek(id);
        const entry = cached ? { id, day: cached.day } : await this.#reading(() => this.loader.find(id));
        if (!entry) return undefined;
        if (!cached)
          await this.#reading(() => this.loader.makeDurable(this.folders.path(entry))).catch(ifNoLog);
        return this.#reading(() => this.verifier.verify(entry, cached?.session.revision));
      }),
    );
  }

  async #eventsOf(id: string, query: EventQuery): Promise<EventPage | undefined> {
    const loaded = await this.#current(id);
    if (!loaded) return undefined;
    const log = await this.#reading(() => this.loader.readLogOf(loaded));
    if (!log && this.#frozen.has(id))
      throw new StoreUnavailableError('Whether the session was removed is not known', 'unknown');
    if (!log) return undefined;
    const { revision } = loaded.session;
    const first = query.after === undefined ? 0 : query.after + 1;
    const events = log.reading.events.slice(first, first + query.limit);
    const last = events.at(-1);
    return { events, nextAfter: last && last.seq < revision - 1 ? last.seq : null, revision };
  }

  async #page(query: { limit: number; offset: number }): Promise<SessionPage> {
    const page: FolderEntry[] = [];
    let total = 0;
    for (const day of await this.#reading(() => this.folders.days())) {
      const entries = this.#shownOf(day, await this.#reading(() => this.folders.sessionsOf(day)));
      const from = Math.max(0, query.offset - total);
      page.push(...entries.slice(from, Math.max(from, query.offset + query.limit - total)));
      total += entries.length;
    }
    const limitReaders = pLimit(LIST_READERS);
    const listed = await Promise.all(page.map((entry) => limitReaders(() => this.#listed(entry))));
    return { sessions: listed.filter((session) => session !== undefined), total, next: null, complete: true };
  }

  override remove(id: string): Promise<boolean> {
    return this.#command(id, async () => {
      const entry = await this.#reading(() => this.loader.find(id));
      if (!entry) return false;
      const before = await this.#load(id).catch(ifCorrupted);
      await this.views.forget(id);
      await this.#change(id, before, () => this.#writer.remove(entry));
      this.#cache.delete(id);
      return true;
    });
  }

  override async health(): Promise<StoreHealth> {
    if (this.#closing) return { writable: false, reason: 'the store is closed' };
    return this.#stopped ? { writable: false, reason: this.#stopped } : { writable: true };
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.views.close();
    const known = this.#stopped === undefined && this.#frozen.size === 0;
    // After an unclean stop only what was read since is known to be durable: the next start has to go on with that.
    await this.holding.release(known && !this.#untidy && this.holding.closedCleanly);
  }

  /** Does what was asked for before the store was closed; `close` waits for it. */
  async #accept<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new StoreUnavailableError('The store is closed', 'not_applied');
    const accepted = work();
    this.#underWay.add(accepted);
    try {
      return await accepted;
    } finally {
      this.#underWay.delete(accepted);
    }
  }

  /** A command on a session, in its turn. */
  #command<T>(id: string, command: () => Promise<T>): Promise<T> {
    return this.#accept(() =>
      this.#queue.run(id, async () => {
        await this.#assertWritable();
        // Decided on what readers are shown, a command would write over what may be there.
        this.#assertKnown(id);
        return command();
      }),
    );
  }

  #assertKnown(id: string): void {
    if (this.#frozen.has(id))
      throw new StoreUnavailableError('The outcome of an earlier command is not known', 'not_applied');
  }

  /** Makes the session under this id, or nothing when the id is taken. */
  async #createAs(id: string, opening: Decision): Promise<LoadedSession | undefined> {
    await this.#assertWritable();
    const entry = this.folders.computed(id);
    if (!entry) throw new RangeError(`not a session id: ${id}`);
    const taken = this.#frozen.has(id) || (await this.#reading(() => this.loader.find(id))) !== undefined;
    if (taken) return undefined;
    this.#creating.add(id);
    try {
      const created = await this.#change(id, undefined, () => this.#writer.create(entry, opening));
      if (created) this.#cache.set(id, created);
      return created;
    } finally {
      this.#creating.delete(id);
    }
  }

  /**
   * Changes the disk for a session whose state was `before`. When the outcome is unknown the session stays as it was
   * for readers; after a failed sync nothing is written any more (it is never retried: docs/STORAGE.md).
   */
  async #change<T>(id: string, before: LoadedSession | undefined, change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      this.#cache.delete(id);
      if (error instanceof StoreUnavailableError) {
        if (error.cause instanceof SyncFailedError) this.#stopWriting(error.cause);
        if (error.outcome === 'unknown') this.#frozen.set(id, before);
      }
      throw error;
    }
  }

  /** Reads from the disk; what is not an error of the component already says that the store could not read. */
  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof SyncFailedError) this.#stopWriting(error);
      if (isSessionError(error)) throw error;
      throw new StoreUnavailableError('The store could not read', 'not_applied', error);
    }
  }

  #stopWriting(error: SyncFailedError): void {
    this.#stop(error.message, error);
  }

  #stop(why: string, cause: unknown): void {
    if (this.#stopped) return;
    this.#stopped = `${why}: nothing is written any more; check the disk and restart`;
    this.warn(this.#stopped, cause);
  }

  /** The state of a session: the last durable one where it is known, else read in the session's turn. */
  async #current(id: string, read = () => this.loader.load(id)): Promise<LoadedSession | undefined> {
    return this.#cache.get(id) ?? this.#queue.run(id, () => this.#load(id, read));
  }

  async #load(id: string, read = () => this.loader.load(id)): Promise<LoadedSession | undefined> {
    if (this.#frozen.has(id)) return this.#frozen.get(id);
    const cached = this.#cache.get(id);
    if (cached) return cached;
    const loaded = await this.#reading(read);
    // The Python component may still change its folders: they are read each time until they are ours.
    if (!loaded || loaded.imported) return loaded;
    this.#cache.set(id, loaded);
    if (loaded.viewIsStale && !this.#stopped) this.views.schedule(loaded.session, loaded.folder);
    return loaded;
  }

  async #listed(entry: FolderEntry): Promise<ListedSession | undefined> {
    try {
      if (!this.#frozen.has(entry.id) && !(await this.#reading(() => this.loader.leadsTo(entry))))
        return undefined;
      const loaded = await this.#current(entry.id, () => this.loader.loadFrom(entry));
      return loaded && listedSession(loaded.session);
    } catch (error) {
      if (!(error instanceof SessionCorruptedError) && !isBadSpot(error)) throw error;
      return corruptedSession(entry.id);
    }
  }

  /** What a listing shows of a day: the folders that are there; of sessions with an unknown outcome what was. */
  #shownOf(day: string, there: readonly FolderEntry[]): FolderEntry[] {
    const known = there.filter(({ id }) => !this.#creating.has(id) && !this.#frozen.has(id));
    const before = [...this.#frozen.values()].filter((session) => session?.day === day);
    const shown = [...known, ...before.map((loaded) => ({ id: (loaded as LoadedSession).session.id, day }))];
    return before.length > 0 ? shown.sort(newestFirst) : shown;
  }

  #stored({ session, day }: LoadedSession): StoredSession {
    return { session, auditPath: this.folders.auditPath({ id: session.id, day }) };
  }

  /** Also that nobody took the lock away, looked at now and then: another process takes longer than that to start. */
  async #assertWritable(): Promise<void> {
    if (!this.#stopped && Date.now() - this.#lockSeenAt >= LOCK_CHECK_MS) {
      const now = Date.now();
      const held = await this.#reading(() => this.holding.isHeld());
      if (held) this.#lockSeenAt = now;
      else this.#stop('the lock file was deleted or replaced, and another process may be writing', undefined);
    }
    if (this.#stopped) throw new StoreUnavailableError('The store accepts no writes', 'not_applied');
  }
}

/** The disk could not read one session's files, or not make them durable: no reason to show nobody's. */
function isBadSpot(error: unknown): boolean {
  if (!(error instanceof StoreUnavailableError)) return false;
  return error.cause instanceof SyncFailedError || (error.cause as NodeJS.ErrnoException)?.code === 'EIO';
}

/** Memory that a state takes, in bytes, roughly: twice its JSON, and what an imported document may take. */
function sizeOf({ session, length }: LoadedSession): number {
  const names = session.stepsCompleted.length + Object.keys(session.timing).length;
  return 2_048 + 128 * names + 2 * session.outputBytes + (session.imported ? length : 0);
}

/** Where there is no log, there is nothing to make durable. */
function ifNoLog(error: unknown): void {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}

/** What is damaged has no state. */
function ifCorrupted(error: unknown): undefined {
  if (!(error instanceof SessionCorruptedError)) throw error;
}
