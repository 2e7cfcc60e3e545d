/**
 * Random numbers that a seed brings back: the same choices again. A generator for each client, so that what one of
 * them draws does not depend on how far the others are.
 */

export class Random {
  #state: number;

  /** Each list of whole numbers begins a sequence of its own. */
  constructor(...seeds: readonly number[]) {
    this.#state = seeds.reduce((state, seed) => mix(state ^ mix(seed + 0x9e3779b9)), 0x6a09e667);
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return Math.floor((mix(this.#state) / 2 ** 32) * limit);
  }

  /** Whether something happens that happens with this probability. */
  happens(probability: number): boolean {
    return this.below(2 ** 32) < probability * 2 ** 32;
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of the output's. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
