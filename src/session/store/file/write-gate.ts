/**
 * Whether anything may be written: not after a sync has failed, and not when the lock was taken away. Closed, it stays
 * so until the process is started again.
 */

import { isSessionError, StoreUnavailableError } from '../../domain/errors.js';
import { SyncFailedError } from './durable-file.js';
import type { StoreFolder } from './store-folder.js';

/** How long the lock is believed in after it was seen, in milliseconds. */
const LOCK_CHECK_MS = 200;

export class WriteGate {
  #lockSeenAt = Date.now();
  #closed: string | undefined;

  constructor(
    private readonly holding: StoreFolder,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {}

  /** Why nothing is written any more, in a line for an operator; `undefined` while it is. */
  get closedBecause(): string | undefined {
    return this.#closed;
  }

  /** Something failed: where it was a sync, nobody knows what is on the disk. */
  note(error: unknown): void {
    if (error instanceof SyncFailedError) this.#close(error.message, error);
  }

  /** Reads from the disk; what is not an error of the component already says that the store could not read. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      this.note(error);
      if (isSessionError(error)) throw error;
      throw new StoreUnavailableError('The store could not read', 'not_applied', error);
    }
  }

  /**
   * Also that nobody took the lock away, looked at now and then: another process takes longer than that to start.
   * @throws StoreUnavailableError (`not_applied`)
   */
  async assertOpen(): Promise<void> {
    if (!this.#closed && Date.now() - this.#lockSeenAt >= LOCK_CHECK_MS) {
      const now = Date.now();
      const held = await this.reading(() => this.holding.isHeld());
      if (held) this.#lockSeenAt = now;
      else
        this.#close('the lock file was deleted or replaced, and another process may be writing', undefined);
    }
    if (this.#closed) throw new StoreUnavailableError('The store accepts no writes', 'not_applied');
  }

  #close(why: string, cause: unknown): void {
    if (this.#closed) return;
    this.#closed = `${why}: nothing is written any more; check the disk and restart`;
    this.warn(this.#closed, cause);
  }
}
