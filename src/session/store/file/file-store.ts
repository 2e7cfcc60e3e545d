/**
 * FileStore: sessions as folders of a data folder, one process writing. Commands on a session run in turn, readers
 * see what is durable, states are cached; reading and writing folders is the loader's and the writer's work.
 */

import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { SessionCorruptedError, StoreUnavailableError } from '../../domain/errors.js';
import type { Decision } from '../../domain/event-log.js';
import { idempotencyKeyOf } from '../../domain/idempotency.js';
import type { Session } from '../../domain/session.js';
import type { Verification } from '../../domain/verification.js';
import {
  type EventPage,
  type EventQuery,
  type ListQuery,
  type SessionChange,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  SessionStore,
  type StoredSession,
  type StoreHealth,
} from '../session-store.js';
import { CommandQueue } from './command-queue.js';
import { type FileSystem, SharedSyncs } from './durable-file.js';
import { isOfOneSession } from './index/folder-scan.js';
import { indexPath } from './index/index-schema.js';
import { SessionIndex } from './index/session-index.js';
import { StockKeeper } from './index/stock-keeper.js';
import { KeyedCreates } from './keyed-creates.js';
import type { LoadedSession } from './loaded-session.js';
import { isTimeZone } from './naive-time.js';
import { type FolderEntry, idOfTemporary, SessionFolders } from './session-folders.js';
import { SessionLoader } from './session-loader.js';
import { SessionStates } from './session-states.js';
import { SessionTrails } from './session-trails.js';
import { SessionVerifier } from './session-verifier.js';
import { SessionWriter } from './session-writer.js';
import { openStoreFolder, type StoreFolder } from './store-folder.js';
import { systemFiles } from './system-files.js';
import { settleDays, settleSessions } from './unclean-stop.js';
import { ViewWriter } from './view-writer.js';
import { WriteGate } from './write-gate.js';

export interface FileStoreOptions {
  /** The data folder; made when missing. */
  readonly path: string;
  /** IANA name of the zone of times without one, in folders of the Python component. Default `UTC`. */
  readonly legacyTimeZone?: string;
  readonly allowNetworkFilesystem?: boolean;
  /** Told of what an operator should know and no caller waits for. */
  readonly warn?: Warn;
  /** Told how far a long taking of stock is. */
  readonly inform?: (message: string) => void;
  /** The file system; for tests. What threads of their own would do with it could not be watched, so there are none. */
  readonly files?: FileSystem;
}

type Warn = (message: string, cause: unknown) => void;

/** How many sessions are made side by side: bounds open files. */
const CREATORS = 64;
/** How many may wait to be made before a further one is turned away. */
const MAX_WAITING_CREATORS = 10_000;

export class FileStore extends SessionStore {
  readonly #queue = new CommandQueue();
  readonly #limitCreators = pLimit(CREATORS);
  readonly #keyed = new KeyedCreates();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #writer: SessionWriter;
  readonly #gate: WriteGate;
  readonly #states: SessionStates;
  readonly #trails: SessionTrails;
  #closing: Promise<void> | undefined;

  private constructor(
    private readonly files: FileSystem,
    private readonly holding: StoreFolder,
    private readonly folders: SessionFolders,
    private readonly syncs: SharedSyncs,
    private readonly index: SessionIndex,
    private readonly loader: SessionLoader,
    verifier: SessionVerifier,
    private readonly views: ViewWriter,
    private readonly stock: StockKeeper,
    private readonly warn: Warn,
  ) {
    super();
    this.#gate = new WriteGate(holding, warn);
    this.#states = new SessionStates(loader, index, views, this.#gate);
    this.#trails = new SessionTrails(folders, loader, verifier, this.#states, this.#gate);
    this.#writer = new SessionWriter(files, folders, syncs, loader, holding.storeId, warn);
    index.serve({
      isQuiet: (id) => this.#isQuiet(id),
      removeLeftOver: (entry) => this.#removeLeftOver(entry),
      lookElsewhere: (id) => this.#lookElsewhere(id),
      noteFailure: (error) => this.#gate.note(error),
      indexWasDamaged: (cause) => {
        warn('the index was damaged and is made anew', cause);
        void stock.retake();
      },
    });
  }

  /** @throws StoreOpenError whose message is one line that says what to do */
  static async open(options: FileStoreOptions): Promise<FileStore> {
    const { files = systemFiles, legacyTimeZone = 'UTC', allowNetworkFilesystem = false } = options;
    if (!isTimeZone(legacyTimeZone)) throw new RangeError(`not a time zone: ${legacyTimeZone}`);
    const root = resolve(options.path);
    const forgetIndex = () => SessionIndex.delete(indexPath(root));
    const holding = await openStoreFolder(files, root, { allowNetworkFilesystem, forgetIndex });
    let store: FileStore | undefined;
    try {
      store = FileStore.#assemble(options, files, holding);
      await store.#begin();
      return store;
    } catch (error) {
      await store?.stock.stop();
      await store?.index.abandon();
      await holding.release(false).catch(() => undefined);
      throw error;
    }
  }

  static #assemble(options: FileStoreOptions, files: FileSystem, holding: StoreFolder): FileStore {
    const { warn = () => undefined, inform = () => undefined, legacyTimeZone = 'UTC' } = options;
    const { storeId, lastStop } = holding;
    const threads = options.files === undefined;
    const folders = new SessionFolders(files, options.path);
    const index = SessionIndex.open({ path: indexPath(folders.root), storeId, lastStop, threads });
    const syncs = new SharedSyncs(files);
    const dayOf = (id: string) => index.dayOf(id);
    const reading = { storeId, legacyTimeZone, syncs: index.isSettled ? undefined : syncs, dayOf };
    const loader = new SessionLoader(files, folders, reading);
    const verifier = new SessionVerifier(files, folders, reading);
    const views = new ViewWriter(files, warn);
    const stock = new StockKeeper({ index, folders, loader, storeId, legacyTimeZone, threads, warn, inform });
    return new FileStore(files, holding, folders, syncs, index, loader, verifier, views, stock, warn);
  }

  /** Brings in order what the last stop left, and the index to what is there. */
  async #begin(): Promise<void> {
    const { files, folders, syncs, index } = this;
    if (!index.isSettled) await settleDays({ files, folders, syncs });
    const left = index.leftUnderWay();
    if (left.length > 0) {
      const entries = left.map((id) => ({ id, day: index.dayOf(id) ?? folders.computed(id)?.day ?? '' }));
      await settleSessions({ files, folders, syncs }, entries);
      for (const { id } of entries) await this.#lookAgain(id);
    }
    await this.stock.begin(this.holding.lastStop === 'clean');
  }

  /** A session that had a write under way when the last process was stopped: its row and its view may be late. */
  async #lookAgain(id: string): Promise<void> {
    try {
      const loaded = await this.#states.load(id);
      if (loaded) this.index.put(loaded);
      else this.index.remove(id);
    } catch (error) {
      if (!isOfOneSession(error)) throw error;
    }
    await this.index.enter(id);
  }

  /** Resolves when the index is complete, or the store is being closed. */
  whenComplete(): Promise<void> {
    return this.stock.isDone();
  }

  /** Makes the index anew from the folders, while everything goes on; picks up what was added or removed by hand. */
  reindex(): Promise<void> {
    return this.stock.retake();
  }

  override create(ids: Iterable<string>, opening: Decision, keyedSince?: Date): Promise<StoredSession> {
    const key = idempotencyKeyOf(opening);
    return this.#accept(() =>
      key === undefined
        ? this.#create(ids, opening)
        : this.#keyed.run(key, async () => {
            const id = await this.index.findKey(key, keyedSince ?? new Date(0));
            const known = id === undefined ? undefined : await this.#current(id);
            return known ? this.#stored(known) : this.#create(ids, opening);
          }),
    );
  }

  async #create(ids: Iterable<string>, opening: Decision): Promise<StoredSession> {
    if (this.#limitCreators.pendingCount >= MAX_WAITING_CREATORS)
      throw new StoreUnavailableError('Too many sessions wait to be made', 'not_applied');
    return this.#limitCreators(async () => {
      for (const id of ids) {
        const created = await this.#queue.run(id, () => this.#createAs(id, opening));
        if (created) return this.#stored(created);
      }
      throw new StoreUnavailableError('No free session id was found in this second', 'not_applied');
    });
  }

  override append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined> {
    return this.#command(id, async () => {
      const current = await this.#states.load(id);
      if (!current) return undefined;
      const decision = decide(current.session);
      if (decision.events.length === 0) return this.#stored(current);
      const written = await this.#change(id, current, () => this.#writer.write(current, decision));
      this.#states.put(written);
      this.views.schedule(written.session, written.folder);
      return this.#stored(written);
    });
  }

  override read(id: string): Promise<StoredSession | undefined> {
    // What is in memory is given at once: closing has nothing to wait for.
    const cached = this.#closing ? undefined : this.#states.cached(id);
    if (cached) return Promise.resolve(this.#stored(cached));
    return this.#accept(async () => {
      const loaded = await this.#current(id);
      return loaded && this.#stored(loaded);
    });
  }

  override events(id: string, query: EventQuery): Promise<EventPage | undefined> {
    return this.#accept(async () => {
      const loaded = await this.#current(id);
      return loaded && this.#trails.events(loaded, query);
    });
  }

  override list(query: ListQuery): Promise<SessionPage> {
    return this.#accept(() => this.index.list(query));
  }

  override stats(filter: SessionFilter): Promise<SessionStats> {
    return this.#accept(() => this.index.stats(filter));
  }

  override verify(id: string): Promise<Verification | undefined> {
    return this.#accept(() => this.#queue.run(id, () => this.#trails.verify(id)));
  }

  override remove(id: string): Promise<boolean> {
    return this.#command(id, async () => {
      const entry = await this.#gate.reading(() => this.loader.find(id));
      if (!entry) return false;
      const before = await this.#states.load(id).catch(ifCorrupted);
      await this.views.forget(id);
      await this.#change(id, before, () => this.#writer.remove(entry));
      this.#states.remove(id);
      return true;
    });
  }

  override watch(listener: (change: SessionChange) => void, signal: AbortSignal): Promise<void> {
    return this.#accept(async () => this.#states.watch(listener, signal));
  }

  override async health(): Promise<StoreHealth> {
    if (this.#closing) return { writable: false, reason: 'the store is closed' };
    const stock = this.stock.progress;
    const taking = stock && { takingStock: stock };
    const reason = this.#gate.closedBecause;
    return reason ? { writable: false, reason, ...taking } : { writable: true, ...taking };
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // A keyed create may wait for the taking of stock.
    const stopped = this.stock.stop();
    await Promise.allSettled(this.#underWay);
    await stopped;
    await this.views.close();
    const known = !this.#gate.closedBecause && !this.#states.anyUnknown && !this.#writer.hasLeftOvers;
    // After an unclean stop only what was read since is known to be durable: the next start has to go on with that.
    const clean = known && this.index.isSettled;
    const closed = await this.#closeIndex(clean);
    await this.holding.release(clean && closed);
  }

  /** Whether it could be closed: a start after that one goes on as after a kill, and needs no more. */
  async #closeIndex(clean: boolean): Promise<boolean> {
    try {
      await this.index.close(clean ? await this.folders.changes() : undefined);
      return true;
    } catch (error) {
      this.warn('the index could not be closed; the next start will look through the folders', error);
      return false;
    }
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
        await this.#gate.assertOpen();
        this.#states.assertKnown(id);
        return command();
      }),
    );
  }

  /** Makes the session under this id, or nothing when the id is taken. */
  async #createAs(id: string, opening: Decision): Promise<LoadedSession | undefined> {
    await this.#gate.assertOpen();
    const entry = this.folders.computed(id);
    if (!entry) throw new RangeError(`not a session id: ${id}`);
    if (this.#states.isUnknown(id) || (await this.#isTaken(id))) return undefined;
    const created = await this.#change(id, undefined, () => this.#writer.create(entry, opening));
    if (created) this.#states.put(created);
    return created;
  }

  /** A folder that the index does not know of yet is found when the new one is to take its place. */
  async #isTaken(id: string): Promise<boolean> {
    const day = this.index.dayOf(id);
    if (day !== undefined) return day !== null;
    return (await this.#gate.reading(() => this.loader.find(id))) !== undefined;
  }

  /**
   * Changes the disk for a session whose state was `before`. When the outcome is unknown the session stays as it was
   * for readers; after a failed sync nothing is written any more (it is never retried: docs/STORAGE.md).
   */
  async #change<T>(id: string, before: LoadedSession | undefined, change: () => Promise<T>): Promise<T> {
    await this.index.enter(id);
    try {
      return await change();
    } catch (error) {
      this.#gate.note((error as Error).cause);
      this.#states.keep(id, before, error instanceof StoreUnavailableError && error.outcome === 'unknown');
      throw error;
    }
  }

  /** The state of a session: the last durable one where it is known, else read in the session's turn. */
  async #current(id: string): Promise<LoadedSession | undefined> {
    return this.#states.cached(id) ?? this.#queue.read(id, () => this.#states.load(id));
  }

  /** Whether nothing is under way for a session: nothing of it is late, left over or unknown. */
  #isQuiet(id: string): boolean {
    const isKnown = !this.#states.isUnknown(id) && !this.#writer.hasLeftOver(id);
    return isKnown && !this.#queue.isBusy(id) && !this.views.isLate(id);
  }

  /** What a stopped process left half made or half removed; in the session's turn, since one may be made just now. */
  #removeLeftOver(entry: FolderEntry): Promise<void> {
    const id = idOfTemporary(entry.id);
    return this.#queue.run(id, async () => {
      if (this.#closing || this.#states.isUnknown(id)) return;
      await this.index.enter(id);
      await this.#writer.delete(id, this.folders.path(entry));
    });
  }

  /** A folder under another day, which was hidden by one that was taken away by hand, is the session now. */
  #lookElsewhere(id: string): Promise<void> {
    return this.#queue.run(id, async () => {
      const entry = this.#closing ? undefined : await this.loader.find(id);
      if (!entry) return;
      try {
        const loaded = await this.loader.loadFrom(entry);
        if (loaded) this.index.put(loaded);
      } catch (error) {
        if (!isOfOneSession(error)) throw error;
        this.index.putCorrupted(entry);
      }
    });
  }

  #stored({ session, day }: LoadedSession): StoredSession {
    return { session, auditPath: this.folders.auditPath({ id: session.id, day }) };
  }
}

/** What is damaged has no state. */
function ifCorrupted(error: unknown): undefined {
  if (!(error instanceof SessionCorruptedError)) throw error;
}
