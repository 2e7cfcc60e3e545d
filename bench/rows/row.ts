/** A row of the benchmark: something that is measured as a whole, and gives one figure or several. */

import type { Bench } from '../bench.js';
import type { Figure } from '../figure.js';

export interface Row<Given extends Bench = Bench> {
  /** As `--only` has it. */
  readonly name: string;
  readonly what: string;
  measure(bench: Given): Promise<Figure[]>;
}

/** Requests at the same time where as many answers as possible are wanted. */
export const CONNECTIONS = 64;
