/** Random numbers that come again: what a test draws from a seed, it draws again from the same seed. */

export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }

  /** Whether something happens that happens with this probability. */
  happens(probability: number): boolean {
    return this.#next() < probability;
  }

  /** Mulberry32: small, and random enough to choose outcomes with. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
