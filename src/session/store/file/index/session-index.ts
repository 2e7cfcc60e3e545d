/**
 * The index as the store uses it: what was acknowledged is in every listing, and after a kill the index says which
 * sessions have to be looked at again. A view of the folders, which may be deleted at any time.
 *
 * Commands enter the set of writes under way before they write, those of one turn of the event loop together. Their rows
 * are put in later, together, and before anything is listed; until then that set vouches for them.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreUnavailableError } from '../../../domain/errors.js';
import { CORRUPTED } from '../../../domain/session-document.js';
import type { ListQuery, SessionFilter, SessionPage, SessionStats } from '../../session-store.js';
import { canKeep, type KeptState } from '../kept-state.js';
import type { LoadedSession } from '../loaded-session.js';
import type { FolderEntry } from '../session-folders.js';
import type { Scan } from './folder-scan.js';
import { IndexDatabase, type Part, type Unseen } from './index-database.js';
import { IndexFile, type IndexFileOptions } from './index-file.js';
import { corruptedRow, FIRST_PLACE, firstPlaceAt, type IndexRow, rowOf } from './index-schema.js';
import { isKnown, type StockProgress, StockTaking } from './stock-taking.js';

/** What the index has to know of the store. */
export interface IndexedStore {
  /** Whether nothing is under way for a session: no command, no view that is late, no outcome that is unknown. */
  isQuiet(id: string): boolean;
  /** Told when the index was damaged, and begins anew: stock has to be taken. */
  indexWasDamaged(cause: unknown): void;
  removeLeftOver(entry: FolderEntry): Promise<void>;
  /** A session is not where the index knew it: it may lie under another day. */
  lookElsewhere(id: string): Promise<void>;
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
  readonly #pending = new Map<string, Change>();
  /** Sessions in the set of writes under way, each with the moment from which it is in there. */
  readonly #underWay = new Map<string, Promise<void>>();
  #entering: { readonly ids: string[]; readonly entered: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stock: StockTaking | undefined;
  /** What the last taking of stock could not look at. */
  #unread: ReadonlyMap<string, string> = new Map();
  /** The sessions that cannot be read, as far as the index knows. */
  readonly #corrupted: Set<string>;

  private constructor(private readonly file: IndexFile) {
    this.#corrupted = new Set(file.left.corrupted);
    file.serve((database, cause) => {
      this.#stock?.stop();
      // What is under way stays so.
      database.together(() => database.enter(this.#underWay.keys()));
      this.#store?.indexWasDamaged(cause);
    });
  }

  /** Takes the index at this path away, if there is one. */
  static delete(path: string): void {
    IndexDatabase.delete(path);
  }

  /** Opens the index, or makes it anew. @throws StoreOpenError */
  static open(options: IndexFileOptions): SessionIndex {
    return new SessionIndex(IndexFile.open(options));
  }

  /** The store that this is the index of; before anything else is asked of it. */
  serve(store: IndexedStore): void {
    this.#store = store;
  }

  /** Whether it has every session. */
  get isComplete(): boolean {
    return this.file.about.complete;
  }

  /** Whether all that is in the folders is durable, but for the sessions with a write under way. */
  get isSettled(): boolean {
    return this.file.about.settled;
  }

  /** Day folders that could not be looked through, and why: the index is complete but for what lies in them. */
  get unreadDays(): ReadonlyMap<string, string> {
    return this.#unread;
  }

  get progress(): StockProgress | undefined {
    return this.#stock?.progress;
  }

  /** The sessions that had a write under way when the last process was stopped; they stay so until they are entered again. */
  leftUnderWay(): readonly string[] {
    return this.file.left.underWay;
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
      return this.file.reading((database) => database.keptState(id));
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
    const known = this.file.reading((database) => database.dayOf(id));
    return known ?? (this.isComplete ? null : undefined);
  }

  /**
   * The latest session that was made with an idempotency key at this time or later. Waits until stock is taken of all that
   * was made since then.
   * @throws StoreUnavailableError
   */
  async findKey(key: string, since: Date): Promise<string | undefined> {
    const time = since.toISOString();
    if (!this.isComplete && !(await this.#knows(time.slice(0, '2024-01-15'.length))))
      throw new StoreUnavailableError('The store does not know yet which keys it holds', 'not_applied');
    this.flush();
    return this.file.reading((database) => database.findKey(key, firstPlaceAt(time)));
  }

  async #knows(day: string): Promise<boolean> {
    return this.#stock?.knows(day) ?? (this.#unread.size > 0 && isKnown(day, this.#unread));
  }

  /** @throws RangeError for an `after` that no page has given */
  async list(query: ListQuery): Promise<SessionPage> {
    if (query.after !== undefined && !isPosition(query.after)) throw new RangeError('no position');
    const complete = this.#isUpToDate();
    return { ...(await this.file.asking((readers) => readers.list(query))), complete };
  }

  async stats(filter: SessionFilter): Promise<SessionStats> {
    const complete = this.#isUpToDate();
    return { ...(await this.file.asking((readers) => readers.stats(filter))), complete };
  }

  /** A full disk is no reason to show nothing: what cannot be put in now is missing, and that is told. */
  #isUpToDate(): boolean {
    try {
      this.flush();
      return this.isComplete;
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
      if (changes.size > 0 || quiet.length > 0)
        this.#writing((database) => this.#putIn(database, changes, quiet));
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
    this.file.note({ complete: false, scan: this.file.about.scan + 1 });
    const scanned = changed && new Set(changed);
    const isScanned = (day: string) => !stock.unread.has(day) && (scanned?.has(day) ?? true);
    const stock = new StockTaking(days, {
      put: (rows) => this.#putScanned(rows, isScanned),
      removeLeftOver: async (entry) => this.#store?.removeLeftOver(entry),
      failed: (error) => this.#store?.noteFailure(error),
    });
    this.#stock = stock;
    this.#unread = new Map();
    try {
      if (!(await stock.take(scan))) return;
      await this.#dropUnseen(stock, changed);
      const settled = this.isSettled || (changed === undefined && stock.isSure);
      this.file.note({ complete: stock.unread.size === 0, settled });
      this.#unread = stock.unread;
    } finally {
      if (this.#stock === stock) this.#stock = undefined;
    }
  }

  /** Begins anew where somebody took the index file away. @throws StoreUnavailableError */
  renewIfGone(): void {
    this.file.renewIfGone();
  }

  stopStock(): void {
    this.#stock?.stop();
  }

  /** Day folders that have changed since the index was closed, or came, or went. */
  changedDays(now: ReadonlyMap<string, number>): string[] {
    const before = this.file.reading((database) => database.days());
    const names = new Set([...before.keys(), ...now.keys()]);
    return [...names].filter((name) => before.get(name) !== now.get(name));
  }

  /** Writes everything down and lets go; `days`: how the day folders are left. Durable on return. */
  async close(days: ReadonlyMap<string, number> | undefined): Promise<void> {
    clearTimeout(this.#timer);
    await this.file.closeReaders();
    try {
      this.flush();
      if (days) this.#writing((database) => database.together(() => database.noteDays(days)));
    } finally {
      clearTimeout(this.#timer);
      this.file.close();
    }
  }

  /** Lets go of it as it is. */
  async abandon(): Promise<void> {
    clearTimeout(this.#timer);
    await this.file.abandon();
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
      this.#writing((database) => database.together(() => database.enter(ids)));
      this.#arm();
    } catch (error) {
      for (const id of ids) this.#underWay.delete(id);
      throw error;
    }
  }

  #putIn(database: IndexDatabase, changes: ReadonlyMap<string, Change>, quiet: readonly string[]): void {
    const rows: IndexRow[] = [];
    database.together(() => {
      for (const [id, change] of changes) {
        if (change === 'removed') database.remove(id);
        else if ('loaded' in change) rows.push(rowOf(change.loaded));
        else rows.push(corruptedRow(change.corrupted.id, change.corrupted.day));
      }
      database.put(rows, { scan: this.file.about.scan });
      database.leave(quiet);
    });
  }

  #putScanned(rows: readonly IndexRow[], isScanned: (day: string) => boolean): void {
    for (const { id, status } of rows) this.#corrupted[status === CORRUPTED ? 'add' : 'delete'](id);
    this.#writing((database) => database.putLater(rows, { scan: this.file.about.scan, isScanned }));
  }

  /** Takes out what is no longer there; what a command has touched meanwhile is not for this to judge. */
  async #dropUnseen(stock: StockTaking, changed: readonly string[] | undefined): Promise<void> {
    for (const looked of changed ?? [undefined]) {
      for (let from: Unseen['next'] = FIRST_PLACE; from !== null; await nextTurn()) {
        const { sessions, next } = this.#unseen({ day: looked, from, limit: SWEEP_ROWS });
        from = next;
        const gone = sessions
          .filter(({ id, day }) => !stock.isTouched(id) && !stock.unread.has(day))
          .map(({ id }) => id);
        for (const id of gone) this.#corrupted.delete(id);
        if (gone.length > 0) this.#writing((database) => database.removeAll(gone));
        // Of days that were not looked through, one may have it, too.
        if (changed) for (const id of gone) await this.#store?.lookElsewhere(id);
      }
    }
  }

  #unseen(part: Part): Unseen {
    return this.file.reading((database) => database.unseen(this.file.about.scan, part));
  }

  #writing(write: (database: IndexDatabase) => void): void {
    try {
      this.file.writing(write);
    } catch (error) {
      // Rows of a stock that is being taken may have waited to be written with this.
      this.#stock?.spoil(error);
      throw error;
    }
  }
}
