/**
 * The index as the store uses it: what was acknowledged is in every listing, and after a kill the index says which
 * sessions have to be looked at again. A view of the folders, which may be deleted at any time.
 *
 * Commands enter the set of writes under way before they write, those of one turn of the event loop together. Their rows
 * are put in later, together, and before anything is listed; until then that set vouches for them.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { isSessionError, StoreOpenError, StoreUnavailableError } from '../../../domain/errors.js';
import { CORRUPTED } from '../../../domain/session-document.js';
import type { ListQuery, SessionFilter, SessionPage, SessionStats } from '../../session-store.js';
import { canKeep, type KeptState } from '../kept-state.js';
import type { LoadedSession } from '../loaded-session.js';
import type { FolderEntry } from '../session-folders.js';
import type { LastStop } from '../store-folder.js';
import type { Scan } from './folder-scan.js';
import { type About, IndexDatabase, isDamage } from './index-database.js';
import { IndexReaders } from './index-reader.js';
import {
  ALL_PLACES,
  corruptedRow,
  firstPlaceAt,
  type IndexRow,
  placesOfDays,
  rowOf,
} from './index-schema.js';
import { type StockProgress, StockTaking } from './stock-taking.js';

export interface SessionIndexOptions {
  /** Path of the index file. */
  readonly path: string;
  readonly storeId: string;
  /** After a power cut, and where nobody knows what happened, an index at this path was to be deleted: it was not synced. */
  readonly lastStop: LastStop;
  /** Whether threads of their own answer questions. */
  readonly threads: boolean;
}

/** What the index has to know of the store. */
export interface IndexedStore {
  /** Whether nothing is under way for a session: no command, no view that is late, no outcome that is unknown. */
  isQuiet(id: string): boolean;
  /** Told when the index was damaged, and begins anew: stock has to be taken. */
  indexWasDamaged(cause: unknown): void;
  removeLeftOver(entry: FolderEntry): Promise<void>;
  noteFailure(error: unknown): void;
}

/** How long rows wait to be put in at most, in milliseconds, and how many may wait. */
const FLUSH_MS = 100;
const MAX_PENDING = 500;
/** How many rows are looked at, at once, for those that stock-taking has not seen. */
const SWEEP_ROWS = 1_000;
/** What a page gives as its `next`. */
const isPosition = (text: string) =>
  /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

type Change = { readonly loaded: LoadedSession } | { readonly corrupted: FolderEntry } | 'removed';

export class SessionIndex {
  #store: IndexedStore | undefined;
  readonly #readers: IndexReaders;
  readonly #pending = new Map<string, Change>();
  /** Sessions in the set of writes under way, each with the moment from which it is in there. */
  readonly #underWay = new Map<string, Promise<void>>();
  #entering: { readonly ids: string[]; readonly entered: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stock: StockTaking | undefined;
  /** The sessions that cannot be read, as far as the index knows. */
  readonly #corrupted = new Set<string>();

  private constructor(
    private readonly options: SessionIndexOptions,
    private database: IndexDatabase,
    private state: About,
  ) {
    this.#readers = new IndexReaders(options.path, options.threads);
  }

  /** Takes the index at this path away, if there is one. */
  static delete(path: string): void {
    IndexDatabase.delete(path);
  }

  /** Opens the index, or makes it anew. @throws StoreOpenError */
  static open(options: SessionIndexOptions): SessionIndex {
    const { path, storeId, lastStop } = options;
    const kept = IndexDatabase.openKept(path, storeId);
    const settled = lastStop === 'clean' || lastStop === 'power' || (kept?.about.settled ?? false);
    const state = { complete: false, scan: 0, ...kept?.about, settled };
    try {
      return new SessionIndex(options, kept?.database ?? IndexDatabase.makeAnew(path, storeId, state), state);
    } catch (error) {
      const why = (error as { code?: string }).code ?? String(error);
      const message = `The index ${path} cannot be made (${why}): check the disk and its permissions`;
      throw new StoreOpenError('not_writable', message, error);
    }
  }

  /** The store that this is the index of; before anything else is asked of it. */
  serve(store: IndexedStore): void {
    this.#store = store;
    for (const id of this.#reading(() => this.database.withStatus(CORRUPTED))) this.#corrupted.add(id);
  }

  /** Whether it has every session. */
  get isComplete(): boolean {
    return this.state.complete;
  }

  /** Whether all that is in the folders is durable, but for the sessions with a write under way. */
  get isSettled(): boolean {
    return this.state.settled;
  }

  get progress(): StockProgress | undefined {
    return this.#stock?.progress;
  }

  /** The sessions that had a write under way when the last process was stopped; they stay so until they are entered again. */
  leftUnderWay(): string[] {
    return this.#reading(() => this.database.underWay());
  }

  /**
   * A command is about to write: from when this has resolved, a kill leaves a note of it.
   * @throws StoreUnavailableError (`not_applied`)
   */
  enter(id: string): Promise<void> {
    this.#stock?.touch(id);
    const known = this.#underWay.get(id);
    if (known) return known;
    this.#entering ??= { ids: [], entered: nextTurn().then(() => this.#enterTogether()) };
    this.#entering.ids.push(id);
    this.#underWay.set(id, this.#entering.entered);
    return this.#entering.entered;
  }

  /** The state of a session, as it was acknowledged. */
  put(loaded: LoadedSession): void {
    this.#corrupted.delete(loaded.session.id);
    this.#note(loaded.session.id, { loaded });
  }

  /** The state of a session as it was read from its log: the index knew it as damaged, or has nothing of it that holds. */
  putAsRead(loaded: LoadedSession): void {
    if (this.#corrupted.has(loaded.session.id) || canKeep(loaded)) this.put(loaded);
  }

  /** What is kept of a session's state. Whoever asks can do without. */
  keptState(id: string): KeptState | undefined {
    try {
      return this.#reading(() => this.database.keptState(id));
    } catch {
      return undefined;
    }
  }

  putCorrupted(entry: FolderEntry): void {
    if (this.#corrupted.has(entry.id)) return;
    this.#corrupted.add(entry.id);
    this.#note(entry.id, { corrupted: entry });
  }

  remove(id: string): void {
    this.#note(id, 'removed');
  }

  /** The day folder of a session; `null` when there is no such session, `undefined` when the index cannot say. */
  dayOf(id: string): string | null | undefined {
    const change = this.#pending.get(id);
    if (change === 'removed') return null;
    if (change) return 'corrupted' in change ? change.corrupted.day : change.loaded.day;
    const known = this.#reading(() => this.database.dayOf(id));
    return known ?? (this.state.complete ? null : undefined);
  }

  /**
   * The latest session that was made with an idempotency key at this time or later. Waits until stock is taken of all that
   * was made since then.
   * @throws StoreUnavailableError
   */
  async findKey(key: string, since: Date): Promise<string | undefined> {
    const time = since.toISOString();
    if (!this.state.complete && !(await this.#stock?.knows(time.slice(0, '2024-01-15'.length))))
      throw new StoreUnavailableError('The store does not know yet which keys it holds', 'not_applied');
    this.flush();
    return this.#reading(() => this.database.findKey(key, firstPlaceAt(time)));
  }

  /** @throws RangeError for an `after` that no page has given */
  async list(query: ListQuery): Promise<SessionPage> {
    if (query.after !== undefined && !isPosition(query.after)) throw new RangeError('no position');
    const complete = this.#isUpToDate();
    return { ...(await this.#asking(this.#readers.list(query))), complete };
  }

  async stats(filter: SessionFilter): Promise<SessionStats> {
    const complete = this.#isUpToDate();
    return { ...(await this.#asking(this.#readers.stats(filter))), complete };
  }

  /** A full disk is no reason to show nothing: what cannot be put in now is missing, and that is told. */
  #isUpToDate(): boolean {
    try {
      this.flush();
      return this.state.complete;
    } catch {
      return false;
    }
  }

  /** Puts in all rows that wait, and lets go of the sessions for which nothing is under way any more. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = new Map(this.#pending);
    const quiet = [...this.#underWay.keys()].filter((id) => this.#store?.isQuiet(id));
    try {
      if (changes.size > 0 || quiet.length > 0) this.#writing(() => this.#putIn(changes, quiet));
      for (const [id, change] of changes) if (this.#pending.get(id) === change) this.#pending.delete(id);
      for (const id of quiet) this.#underWay.delete(id);
    } finally {
      this.#arm();
    }
  }

  /**
   * Brings the index to what the folders hold. Nothing else may take stock meanwhile.
   * @param days the day folders that are scanned
   * @param changed of which days rows may be out of date, also of those that are gone; absent: of all
   */
  async takeStock(
    days: readonly string[],
    changed: readonly string[] | undefined,
    scan: Scan,
  ): Promise<void> {
    this.#remember({ complete: false, scan: this.state.scan + 1 });
    const stock = new StockTaking(days, {
      put: (rows) => this.#putScanned(rows),
      removeLeftOver: async (entry) => this.#store?.removeLeftOver(entry),
      failed: (error) => this.#store?.noteFailure(error),
    });
    this.#stock = stock;
    try {
      if (!(await stock.take(scan))) return;
      await this.#dropUnseen(stock, changed);
      const settled = this.state.settled || (changed === undefined && stock.isSure);
      this.#remember({ complete: true, settled });
    } finally {
      if (this.#stock === stock) this.#stock = undefined;
    }
  }

  stopStock(): void {
    this.#stock?.stop();
  }

  /** Day folders that have changed since the index was closed, or came, or went. */
  changedDays(now: ReadonlyMap<string, number>): string[] {
    const before = this.#reading(() => this.database.days());
    const names = new Set([...before.keys(), ...now.keys()]);
    return [...names].filter((name) => before.get(name) !== now.get(name));
  }

  /** Writes everything down and lets go; `days`: how the day folders are left. Durable on return. */
  async close(days: ReadonlyMap<string, number> | undefined): Promise<void> {
    clearTimeout(this.#timer);
    await this.#readers.close();
    try {
      this.flush();
      if (days) this.database.together(() => this.database.noteDays(days));
    } finally {
      clearTimeout(this.#timer);
      this.database.close();
    }
  }

  #note(id: string, change: Change): void {
    this.#stock?.touch(id);
    this.#pending.set(id, change);
    if (this.#pending.size === MAX_PENDING) this.#flushLater(0);
    else this.#arm();
  }

  #arm(): void {
    if (this.#timer || this.#pending.size + this.#underWay.size === 0) return;
    this.#flushLater(FLUSH_MS);
  }

  #flushLater(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.flush();
      } catch {
        // Told to whoever lists, and tried again: what waits is in the set of writes under way.
      }
    }, ms);
  }

  async #enterTogether(): Promise<void> {
    const ids = this.#entering?.ids ?? [];
    this.#entering = undefined;
    try {
      this.#writing(() => this.database.together(() => this.database.enter(ids)));
      this.#arm();
    } catch (error) {
      for (const id of ids) this.#underWay.delete(id);
      throw error;
    }
  }

  #putIn(changes: ReadonlyMap<string, Change>, quiet: readonly string[]): void {
    const rows: IndexRow[] = [];
    this.database.together(() => {
      for (const [id, change] of changes) {
        if (change === 'removed') this.database.remove(id);
        else if ('loaded' in change) rows.push(rowOf(change.loaded));
        else rows.push(corruptedRow(change.corrupted.id, change.corrupted.day));
      }
      this.database.put(rows, 'command', this.state.scan);
      this.database.leave(quiet);
    });
  }

  #putScanned(rows: readonly IndexRow[]): void {
    for (const { id, status } of rows) this.#corrupted[status === CORRUPTED ? 'add' : 'delete'](id);
    this.#writing(() => this.database.putLater(rows, this.state.scan));
  }

  /** Takes out what is no longer there; what a command has touched meanwhile is not for this to judge. */
  async #dropUnseen(stock: StockTaking, changed: readonly string[] | undefined): Promise<void> {
    const looked = changed && new Set(changed);
    const [first, end] = changed ? placesOfDays(changed) : ALL_PLACES;
    for (let from: bigint | undefined = first; from !== undefined; await nextTurn()) {
      const { sessions, next } = this.database.unseen(this.state.scan, [from, end], SWEEP_ROWS);
      const gone = sessions.filter(({ id, day }) => !stock.isTouched(id) && (looked?.has(day) ?? true));
      if (gone.length > 0) this.#writing(() => this.database.removeAll(gone.map(({ id }) => id)));
      from = next;
    }
  }

  #remember(changes: Partial<About>): void {
    this.state = { ...this.state, ...changes };
    this.#writing(() => this.database.note(this.state));
  }

  /** Begins anew where the index turns out to be damaged. */
  #writing(write: () => void): void {
    try {
      write();
    } catch (error) {
      // Rows of a stock that is being taken may have waited to be written with this.
      this.#stock?.spoil(error);
      if (!this.#isDamage(error)) throw unavailable(error);
      this.#begin(error);
      write();
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (this.#isDamage(error)) this.#begin(error);
      throw unavailable(error);
    }
  }

  async #asking<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (this.#isDamage(error)) this.#begin(error);
      else void this.#readers.close();
      throw unavailable(error);
    }
  }

  /** Also one of which an earlier attempt to begin anew failed. */
  #isDamage(error: unknown): boolean {
    return isDamage(error) || !this.database.isOpen;
  }

  /** An empty index in the place of a damaged one. What is under way stays so. @throws StoreUnavailableError */
  #begin(cause: unknown): void {
    const { path, storeId } = this.options;
    this.#stock?.stop();
    void this.#readers.close();
    this.database.abandon();
    this.state = { complete: false, settled: this.state.settled, scan: 0 };
    try {
      this.database = IndexDatabase.makeAnew(path, storeId, this.state);
    } catch (error) {
      throw unavailable(error);
    }
    this.database.together(() => this.database.enter(this.#underWay.keys()));
    this.#store?.indexWasDamaged(cause);
  }
}

function unavailable(error: unknown): Error {
  if (isSessionError(error)) return error;
  return new StoreUnavailableError('The store could not use its index', 'not_applied', error);
}
