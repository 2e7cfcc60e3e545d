/**
 * One taking of stock: brings the index to what the folders hold, while the store goes on. What a command has changed
 * since it began is left to that command, since what was found of it may be older, or not durable yet.
 */

import type { FolderEntry } from '../session-folders.js';
import type { Finding, Scan } from './folder-scan.js';
import type { IndexRow } from './index-schema.js';

/** How far it is. */
export interface StockProgress {
  readonly sessions: number;
  readonly days: number;
  readonly daysDone: number;
}

/** What takes in what was found. */
export interface Shelves {
  put(rows: readonly IndexRow[]): void;
  removeLeftOver(entry: FolderEntry): Promise<void>;
  /** Told what kept a session from being read, or from being durable. */
  failed(error: unknown): void;
}

export class StockTaking {
  readonly #touched = new Set<string>();
  readonly #daysLeft: Set<string>;
  readonly #unread = new Map<string, string>();
  readonly #days: number;
  #sessions = 0;
  #failures = 0;
  #spoiled: unknown;
  #wake: (() => void)[] = [];
  #stopped = false;

  constructor(
    days: readonly string[],
    private readonly shelves: Shelves,
  ) {
    this.#daysLeft = new Set(days);
    this.#days = days.length;
  }

  get progress(): StockProgress {
    return { sessions: this.#sessions, days: this.#days, daysDone: this.#days - this.#daysLeft.size };
  }

  /** Whether every session could be read, or is damaged for good. */
  get isSure(): boolean {
    return this.#failures === 0 && this.#unread.size === 0;
  }

  /** The day folders of which not all could be looked at, and why. */
  get unread(): ReadonlyMap<string, string> {
    return this.#unread;
  }

  /** What was taken in may be lost: it has to be taken again. */
  spoil(error: unknown): void {
    this.#spoiled ??= error;
  }

  /** A command changes this session. */
  touch(id: string): void {
    this.#touched.add(id);
  }

  isTouched(id: string): boolean {
    return this.#touched.has(id);
  }

  /** Whether what lies in the folders of this day and of all later ones is known; once it is, or will not be. */
  async knows(day: string): Promise<boolean> {
    while ([...this.#daysLeft].some((left) => left >= day)) {
      if (this.#stopped) return false;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return isKnown(day, this.#unread);
  }

  /** Takes in what a scan finds; false when it was stopped. */
  async take(scan: Scan): Promise<boolean> {
    try {
      for await (const finding of scan) {
        if (this.#stopped) return false;
        await this.#take(finding);
        if (this.#spoiled) throw this.#spoiled;
      }
      return !this.#stopped;
    } finally {
      this.stop();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  async #take({ rows, leftOver, failures, day, unread }: Finding): Promise<void> {
    for (const failure of failures) this.shelves.failed(failure);
    this.#failures += failures.length;
    this.#sessions += rows.length;
    this.shelves.put(rows.filter(({ id }) => !this.#touched.has(id)));
    for (const entry of leftOver) await this.shelves.removeLeftOver(entry);
    if (day === undefined) return;
    if (unread !== undefined) this.#unread.set(day, unread);
    this.#daysLeft.delete(day);
    this.#wakeAll();
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const one of wake) one();
  }
}

/** Whether what lies in the folders of this day and of all later ones is known, where these could not be looked at. */
export function isKnown(day: string, unread: ReadonlyMap<string, string>): boolean {
  return [...unread.keys()].every((name) => name < day);
}
