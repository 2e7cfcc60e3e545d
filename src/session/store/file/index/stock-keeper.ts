/**
 * When stock is taken: at a start without a usable index, of the day folders that changed while nobody looked, on request,
 * and again when it failed. Tells how far it is.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { SessionFolders } from '../session-folders.js';
import type { SessionLoader } from '../session-loader.js';
import { scanFolders, scanInThreads } from './folder-scan.js';
import { ReindexRequests } from './reindex-request.js';
import type { SessionIndex } from './session-index.js';
import type { StockProgress } from './stock-taking.js';

export interface StockKeeperOptions {
  readonly index: SessionIndex;
  readonly folders: SessionFolders;
  readonly loader: SessionLoader;
  readonly storeId: string;
  readonly legacyTimeZone: string;
  readonly threads: boolean;
  readonly warn: (message: string, cause: unknown) => void;
  readonly inform: (message: string) => void;
}

/** How long a start waits for the stock to be taken: a small folder is listed whole from the first answer on. */
const PATIENCE_MS = 1_000;
/** How long to wait after it failed, and after it failed again and again, in milliseconds: each time all is read anew. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** How often to look whether somebody asks for it, in milliseconds. */
const LOOK_MS = 1_000;
/** How often to tell how far it is, in milliseconds. */
const TELL_MS = 5_000;
/** So many of the newest days come first: what was made last is asked for most. */
const DAYS_FIRST = 2;

export class StockKeeper {
  readonly #stopping = new AbortController();
  #looking: NodeJS.Timeout | undefined;
  readonly #requests: ReindexRequests;
  #taking: Promise<void> = Promise.resolve();
  /** Whether a taking of stock of everything waits for its turn. */
  #allWaits = false;
  /** Ends the pause after a failure. */
  #hurry = () => {};
  /** When the day folders that could not be looked through are tried again, and how long that will wait. */
  #again: NodeJS.Timeout | undefined;
  #againMs = RETRY_MS;
  #toldUnread = '';

  constructor(private readonly options: StockKeeperOptions) {
    this.#requests = new ReindexRequests(options.folders.root, options.warn);
  }

  /**
   * Starts what has to be done for the index to be complete, and waits for it a moment.
   * @param clean whether the store was closed, so that what has changed since then was changed by hand
   */
  async begin(clean: boolean): Promise<void> {
    const { index } = this.options;
    if (this.#isAsked() || !index.isComplete || !index.isSettled) await this.#soon(this.#start());
    else if (clean) {
      const changed = await this.#changedDays();
      if (changed?.length !== 0) await this.#soon(this.#start(changed));
    }
    this.#looking = setInterval(() => this.#lookForRequest(), LOOK_MS).unref();
  }

  /** Takes stock of everything, now or after what is under way. */
  retake(): Promise<void> {
    try {
      if (!this.#stopping.signal.aborted) this.options.index.renewIfGone();
    } catch (error) {
      this.options.warn('the index was taken away and cannot be made anew', error);
    }
    if (!this.#allWaits) void this.#start();
    this.#hurry();
    return this.#taking;
  }

  /** Resolves when the index is complete, or the store is being closed. */
  isDone(): Promise<void> {
    return this.#taking;
  }

  get progress(): StockProgress | undefined {
    return this.options.index.progress;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#looking);
    clearTimeout(this.#again);
    this.options.index.stopStock();
    await this.#taking;
  }

  #lookForRequest(): void {
    if (this.#isAsked()) void this.retake();
  }

  #isAsked(): boolean {
    const asked = this.#requests.hear();
    if (asked) this.options.inform('taking stock, as was asked for');
    return asked;
  }

  /** The day folders that changed since the index was closed; `undefined` when nobody can say. */
  async #changedDays(): Promise<string[] | undefined> {
    const { index, folders, warn } = this.options;
    try {
      return index.changedDays(await folders.changes());
    } catch (error) {
      warn('the day folders could not be looked at', error);
      return undefined;
    }
  }

  async #soon(attempted: Promise<void>): Promise<void> {
    const patience = new AbortController();
    const { signal } = patience;
    await Promise.race([attempted, pause(PATIENCE_MS, undefined, { signal }).catch(() => undefined)]);
    patience.abort();
  }

  /** After what is under way; resolves when it was attempted. */
  #start(days?: readonly string[]): Promise<void> {
    let attempted = () => {};
    const before = this.#taking;
    if (!days) this.#allWaits = true;
    const first = new Promise<void>((resolve) => {
      attempted = resolve;
    });
    this.#taking = before.then(() => this.#take(days, attempted));
    return first;
  }

  /** Until it succeeds, or the store is closed. */
  async #take(days: readonly string[] | undefined, attempted: () => void): Promise<void> {
    const started = Date.now();
    const telling = setInterval(() => this.#tell(), TELL_MS).unref();
    // Who asks from now on may have changed what this has passed already.
    const asked = days ? [] : this.#requests.owed;
    if (!days) this.#allWaits = false;
    try {
      for (let wait = RETRY_MS; !(await this.#attempt(days)); wait = Math.min(2 * wait, LONGEST_RETRY_MS)) {
        if (this.#stopping.signal.aborted) return;
        attempted();
        await this.#retryTime(wait);
      }
    } finally {
      clearInterval(telling);
      attempted();
    }
    const { isComplete, unreadDays } = this.options.index;
    // One that was damaged meanwhile is neither: stock is taken again.
    if (!isComplete && unreadDays.size === 0) return;
    this.#requests.answer(asked);
    this.#tryAgain(unreadDays);
    if (isComplete && (asked.length > 0 || Date.now() - started >= TELL_MS))
      this.options.inform(`the index is complete, after ${seconds(started)} s`);
  }

  /** These day folders alone, later each time; told when it is not what was told last. */
  #tryAgain(unread: ReadonlyMap<string, string>): void {
    clearTimeout(this.#again);
    const told = [...unread.keys()].join(', ');
    if (told && told !== this.#toldUnread)
      this.options.warn(
        `these day folders could not be looked through, and will be tried again: ${told}; their sessions stay as they were known`,
        [...unread.values()][0],
      );
    this.#toldUnread = told;
    if (!told) this.#againMs = RETRY_MS;
    else if (!this.#stopping.signal.aborted) {
      const again = () => void (this.#allWaits || this.#start([...unread.keys()]));
      this.#again = setTimeout(again, this.#againMs);
      this.#again?.unref?.();
      this.#againMs = Math.min(2 * this.#againMs, LONGEST_RETRY_MS);
    }
  }

  /** Whether it succeeded. */
  async #attempt(days: readonly string[] | undefined): Promise<boolean> {
    try {
      this.#stopping.signal.throwIfAborted();
      await this.#scan(days);
      return true;
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.options.warn('the index could not be completed; will try again', error);
      return false;
    }
  }

  /** Whoever waits for nothing else need not wait for this. */
  async #retryTime(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#hurry = done;
      signal.addEventListener('abort', done);
      setTimeout(done, ms)?.unref?.();
    });
  }

  async #scan(changed?: readonly string[]): Promise<void> {
    const { index, folders, loader, threads, storeId, legacyTimeZone } = this.options;
    const there = await folders.days();
    // A stock that is not begun cannot be stopped: whoever closes the store would wait for all of it.
    this.#stopping.signal.throwIfAborted();
    const days = inOrder(changed ? there.filter((day) => changed.includes(day)) : there);
    // What is not known to be durable is synced as it is read, by the one who knows of which a sync failed.
    const thread = threads && index.isSettled && days.length > 0;
    const scan = thread
      ? scanInThreads({ path: folders.root, storeId, legacyTimeZone, days })
      : scanFolders(folders, loader, days);
    await index.takeStock(days, changed, scan);
    if (index.isSettled) loader.trustDisk();
  }

  #tell(): void {
    const { progress } = this;
    if (!progress) return;
    const { sessions, days, daysDone } = progress;
    this.options.inform(`taking stock: ${sessions} sessions in ${daysDone} of ${days} day folders`);
  }
}

/** From the newest first: the last ones as they are, then from the oldest on, as the index takes them fastest. */
function inOrder(newestFirst: readonly string[]): string[] {
  return [...newestFirst.slice(0, DAYS_FIRST), ...newestFirst.slice(DAYS_FIRST).reverse()];
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1_000).toFixed(1);
}
