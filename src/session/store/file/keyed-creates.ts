/**
 * Creates that carry an idempotency key: of one key, one at a time, and none after one whose outcome is unknown.
 */

import { IdempotencyKeyInUseError, StoreUnavailableError } from '../../domain/errors.js';

export class KeyedCreates {
  readonly #underWay = new Set<string>();
  /** Whether there is a session of theirs, the next start will know. */
  readonly #unknown = new Set<string>();

  /** @throws IdempotencyKeyInUseError while another create with this key is under way */
  async run<T>(key: string, create: () => Promise<T>): Promise<T> {
    if (this.#underWay.has(key)) throw new IdempotencyKeyInUseError();
    if (this.#unknown.has(key))
      throw new StoreUnavailableError(
        'The outcome of an earlier request with this key is not known',
        'not_applied',
      );
    this.#underWay.add(key);
    try {
      return await create();
    } catch (error) {
      if (error instanceof StoreUnavailableError && error.outcome === 'unknown') this.#unknown.add(key);
      throw error;
    } finally {
      this.#underWay.delete(key);
    }
  }
}
