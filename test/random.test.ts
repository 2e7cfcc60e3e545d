/**
 * A seed is worth printing only when it brings the same choices back, and a search is one only when it looks everywhere.
 */

import { describe, expect, test } from '@jest/globals';
import { Random } from './random.js';

const draw = (random: Random, count = 20) => Array.from({ length: count }, () => random.below(1_000));

describe('Random numbers from a seed', () => {
  test('are the same for the same seed', () => {
    expect(draw(new Random(7, 3))).toEqual(draw(new Random(7, 3)));
  });

  test('are others for each seed, each round and each client', () => {
    const seeds = [[7], [8], [7, 0], [7, 1], [1, 7], [7, 1, 0], [7, 0, 1], [7, 1, 1]];
    expect(new Set(seeds.map((seed) => draw(new Random(...seed)).join())).size).toBe(seeds.length);
  });

  test('reach every value below the limit about equally often, and none beyond it', () => {
    const counts = new Map<number, number>();
    const random = new Random(1);
    for (let n = 0; n < 10_000; n++) {
      const drawn = random.below(10);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
