/**
 * Commands on one session, one after another; on different sessions, side by side. Imports the errors only.
 */

import { StoreUnavailableError } from '../../domain/errors.js';

/** How many commands may wait for one session before a further one is turned away. */
const MAX_WAITING = 1_000;

export class CommandQueue {
  readonly #tails = new Map<string, { last: Promise<unknown>; waiting: number }>();

  readonly #readings = new Map<string, Promise<unknown>>();

  /** Whether a command for `key` runs or waits. */
  isBusy(key: string): boolean {
    return this.#tails.has(key);
  }

  /**
   * Runs `command` when all that came before it for `key` have ended, however they ended.
   * @throws StoreUnavailableError (`not_applied`) when too many wait already
   */
  run<T>(key: string, command: () => Promise<T>): Promise<T> {
    const queue = this.#tails.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= MAX_WAITING) {
      return Promise.reject(
        new StoreUnavailableError('Too many commands wait for this session', 'not_applied'),
      );
    }
    const result = queue.last.then(command);
    queue.waiting += 1;
    queue.last = result
      .catch(() => undefined)
      .finally(() => {
        queue.waiting -= 1;
        if (queue.waiting === 0) this.#tails.delete(key);
      });
    this.#tails.set(key, queue);
    return result;
  }

  /**
   * Reads for `key` in its turn; who comes before it is done is given the same, however many. Nobody misses a command that
   * has ended: none ends between the turn that a reading waits for and the reading.
   */
  read<T>(key: string, reading: () => Promise<T>): Promise<T> {
    const known = this.#readings.get(key) as Promise<T> | undefined;
    if (known) return known;
    const result = this.run(key, reading).finally(() => this.#readings.delete(key));
    this.#readings.set(key, result);
    return result;
  }
}
