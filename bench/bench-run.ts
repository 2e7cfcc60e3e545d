/** A run of the benchmark: row after row, and a result that says on what it was measured. Never fails on a figure. */

import { Bench, NotAvailable, type Wish } from './bench.js';
import type { Figure } from './figure.js';
import { commit, type Machine, machine } from './report/machine.js';
import { createRow, getRow } from './rows/http-rows.js';
import { appendRow, createInProcessRow } from './rows/in-process-rows.js';
import { createLatencyRow, queriesRow } from './rows/query-rows.js';
import type { Row } from './rows/row.js';
import { getAtSizeRow, pageRow } from './rows/size-rows.js';
import { rebuildRow, startRow } from './rows/start-rows.js';

export const ROWS: readonly Row[] = [
  getRow,
  createRow,
  createInProcessRow,
  createLatencyRow,
  appendRow,
  getAtSizeRow,
  pageRow,
  queriesRow,
  startRow,
  // The last: it takes away thousands of sessions, which keeps ext4 from making others fast for a while.
  rebuildRow,
];

export interface Results {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly wish: Omit<Wish, 'folders'> & { readonly store: string };
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

/** @param only names of rows; none for all of them */
export async function runBench(
  wish: Wish,
  store: string,
  only: readonly string[],
  say: (text: string) => void,
): Promise<Results> {
  const [begun, date] = [performance.now(), new Date().toISOString()];
  const bench = new Bench(wish, say);
  const figures: Figure[] = [];
  try {
    for (const row of ROWS)
      if (only.length === 0 || only.includes(row.name)) figures.push(...(await figuresOf(row, bench)));
  } finally {
    bench.close();
  }
  const { folders, ...wished } = wish;
  return {
    date,
    commit: commit(),
    machine: machine(folders[0] ?? 'bench'),
    wish: { ...wished, store },
    seconds: Math.round((performance.now() - begun) / 1_000),
    figures,
  };
}

async function figuresOf(row: Row, bench: Bench): Promise<Figure[]> {
  try {
    return await row.measure(bench);
  } catch (error) {
    const why = error instanceof NotAvailable ? 'not available' : 'could not be measured';
    const note = `${why}: ${(error as Error).message.split('\n')[0]}`;
    bench.say(`${row.name}: ${note}`);
    return [{ name: row.name, what: row.what, unit: 's', aims: [], note }];
  }
}
