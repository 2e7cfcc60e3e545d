/**
 * Random draws that a seed brings back: each day of a data set has a sequence of its own, so that what is drawn does
 * not depend on how many threads draw.
 */

export class Random {
  #state: number;

  /** Each list of whole numbers begins a sequence of its own. */
  constructor(...seeds: readonly number[]) {
    this.#state = seeds.reduce((state, seed) => mix(state ^ mix(seed + 0x9e3779b9)), 0x6a09e667);
  }

  /** From 0 to 1, and never 1. */
  part(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.part() * limit);
  }

  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  happens(probability: number): boolean {
    return this.part() < probability;
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Mostly about `median`, seldom many times as much: as durations are. */
  skewedAround(median: number): number {
    const normal = this.part() + this.part() + this.part() + this.part() - 2;
    return Math.round(median * Math.exp(1.2 * normal));
  }
}

/** Draws from a list of which each item has its own weight. */
export class Weighted<T> {
  readonly #cumulated: readonly number[];

  constructor(
    private readonly items: readonly T[],
    weightOf: (item: T, index: number) => number,
  ) {
    let sum = 0;
    this.#cumulated = items.map((item, index) => {
      sum += weightOf(item, index);
      return sum;
    });
  }

  draw(random: Random): T {
    const wanted = random.part() * (this.#cumulated.at(-1) as number);
    let [low, high] = [0, this.items.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#cumulated[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return this.items[low] as T;
  }
}

/** Zipf's law: the item at place n is drawn 1/n as often as the first. */
export function zipf<T>(items: readonly T[]): Weighted<T> {
  return new Weighted(items, (_, index) => 1 / (index + 1));
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of the output's. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
