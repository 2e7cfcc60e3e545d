/** A run of the benchmark: row after row, and a result that says on what it was measured. Never fails on a figure. */

import { type Bench, NotAvailable, type Wish } from './bench.js';
import type { Figure } from './figure.js';
import { FolderBench } from './folder-bench.js';
import { partitionsRow } from './postgres/partitions-row.js';
import { plansRow } from './postgres/plans-row.js';
import { PostgresBench } from './postgres/postgres-bench.js';
import { httpRow, inProcessRow } from './postgres/rate-rows.js';
import { bytesRow, getAtSizeRow as getAtSizesRow } from './postgres/size-rows.js';
import { commit, type Machine, machine } from './report/machine.js';
import { createRow, getRow } from './rows/http-rows.js';
import { appendRow, createInProcessRow } from './rows/in-process-rows.js';
import { createLatencyRow, queriesRow } from './rows/query-rows.js';
import type { Row } from './rows/row.js';
import { getAtSizeRow, pageRow } from './rows/size-rows.js';
import { rebuildRow, startRow } from './rows/start-rows.js';

export type StoreName = 'file' | 'postgres';

const FILE_ROWS: readonly Row<FolderBench>[] = [
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

const POSTGRES_ROWS: readonly Row<PostgresBench>[] = [
  httpRow('get'),
  httpRow('create'),
  createLatencyRow,
  inProcessRow('get'),
  inProcessRow('create'),
  inProcessRow('append'),
  getAtSizesRow,
  pageRow,
  queriesRow,
  plansRow,
  partitionsRow,
  startRow,
  bytesRow,
];

/** What can be measured of each store. */
export const ROWS: Readonly<Record<StoreName, readonly Pick<Row, 'name' | 'what'>[]>> = {
  file: FILE_ROWS,
  postgres: POSTGRES_ROWS,
};

export interface Results {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly wish: Omit<Wish, 'folders' | 'instances'> & { readonly store: string };
  /** Of the server, where there is one. */
  readonly postgres?: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

/** @param only names of rows; none for all of them */
export async function runBench(
  wish: Wish,
  store: StoreName,
  only: readonly string[],
  say: (text: string) => void,
): Promise<Results> {
  const [begun, date] = [performance.now(), new Date().toISOString()];
  const { figures, ...more } =
    store === 'file' ? await onFolders(wish, only, say) : await onPostgres(wish, only, say);
  const { folders, instances, ...wished } = wish;
  return {
    date,
    commit: commit(),
    machine: machine(folders[0] ?? 'bench'),
    wish: { ...wished, ...(store === 'postgres' && { instances }), store },
    ...more,
    seconds: Math.round((performance.now() - begun) / 1_000),
    figures,
  };
}

async function onFolders(wish: Wish, only: readonly string[], say: (text: string) => void) {
  return { figures: await figuresOfAll(FILE_ROWS, new FolderBench(wish, say), only) };
}

async function onPostgres(wish: Wish, only: readonly string[], say: (text: string) => void) {
  const bench = await PostgresBench.start(wish, say);
  const postgres = await bench.settings();
  return { postgres, figures: await figuresOfAll(POSTGRES_ROWS, bench, only) };
}

async function figuresOfAll<Given extends Bench>(
  rows: readonly Row<Given>[],
  bench: Given,
  only: readonly string[],
): Promise<Figure[]> {
  const figures: Figure[] = [];
  try {
    for (const row of rows)
      if (only.length === 0 || only.includes(row.name)) figures.push(...(await figuresOf(row, bench)));
    return figures;
  } finally {
    await bench.close();
  }
}

async function figuresOf<Given extends Bench>(row: Row<Given>, bench: Given): Promise<Figure[]> {
  try {
    return await row.measure(bench);
  } catch (error) {
    const why = error instanceof NotAvailable ? 'not available' : 'could not be measured';
    const note = `${why}: ${(error as Error).message.split('\n')[0]}`;
    bench.say(`${row.name}: ${note}`);
    return [{ name: row.name, what: row.what, unit: 's', aims: [], note }];
  }
}
