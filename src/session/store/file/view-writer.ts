/**
 * Keeps `session_metadata.json` of each session up with its log: coalesced, off the acknowledgement path. A view is
 * never the truth: it can be late, and is made again from the log when it is missing or altered.
 */

import { join } from 'node:path';
import type { Session } from '../../domain/session.js';
import { toDocument } from '../../domain/session-document.js';
import { type FileSystem, replaceView } from './durable-file.js';
import { VIEW_FILE } from './session-folders.js';

/** A session's view is replaced at most once in this time, in milliseconds. */
const INTERVAL_MS = 100;
/** How long to wait after a view could not be written, in milliseconds. */
const RETRY_MS = 1_000;
/** How many views are written side by side. */
const WRITERS = 4;

interface PendingView {
  readonly session: Session;
  readonly folder: string;
}

/** A document longer than this is written without indentation, which can make it thirty times as long. */
const MAX_INDENTED = 256 * 1024;

/** The view of a session: two-space JSON for people, as long as it is for people. */
export function renderView(session: Session): string {
  const document = toDocument(session);
  const text = JSON.stringify(document);
  return `${text.length > MAX_INDENTED ? text : JSON.stringify(document, null, 2)}\n`;
}

export class ViewWriter {
  readonly #pending = new Map<string, PendingView>();
  /** Of the batch that is being written: those that are not in their place yet. */
  readonly #inHand = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #lastStart = 0;
  #failing = false;
  #closed = false;

  constructor(
    private readonly files: FileSystem,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {}

  /** The session's view is behind: bring it up soon. */
  schedule(session: Session, folder: string): void {
    this.#pending.set(session.id, { session, folder });
    this.#arm();
  }

  /** Whether the session's view is behind. */
  isLate(id: string): boolean {
    return this.#pending.has(id) || this.#inHand.has(id);
  }

  /** The session is going away: after this has resolved, nothing is written into its folder. */
  async forget(id: string): Promise<void> {
    this.#pending.delete(id);
    await this.#writing;
    this.#pending.delete(id);
  }

  /** Brings up all views that are behind, and writes nothing after that; those that cannot be written stay behind. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#write();
  }

  #arm(): void {
    if (this.#writing || this.#timer || this.#closed) return;
    const pause = this.#failing ? RETRY_MS : Math.max(0, this.#lastStart + INTERVAL_MS - Date.now());
    this.#timer = setTimeout(() => void this.#write(), pause);
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastStart = Date.now();
    const batch = [...this.#pending];
    this.#pending.clear();
    for (const [id] of batch) this.#inHand.add(id);
    const writers = Array.from({ length: WRITERS }, () => this.#drain(batch));
    this.#writing = Promise.all(writers).then((succeeded) => {
      this.#writing = undefined;
      this.#failing = succeeded.includes(false);
      if (this.#pending.size > 0) this.#arm();
    });
    return this.#writing;
  }

  /** Writes views of the batch until none is left; whether all could be written. */
  async #drain(batch: [string, PendingView][]): Promise<boolean> {
    let succeeded = true;
    for (let next = batch.pop(); next; next = batch.pop()) {
      const [id, view] = next;
      try {
        await replaceView(this.files, join(view.folder, VIEW_FILE), renderView(view.session));
      } catch (error) {
        // A folder that somebody took away by hand needs no view.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        succeeded = false;
        if (!this.#failing) this.warn(`the view of ${id} could not be written; will try again`, error);
        this.#failing = true;
        if (!this.#pending.has(id)) this.#pending.set(id, view);
      } finally {
        this.#inHand.delete(id);
      }
    }
    return succeeded;
  }
}
