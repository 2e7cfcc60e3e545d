/** What it costs to have many partitions: each statement is planned over those that it may concern. */

import pg from 'pg';
import { count } from '../../dist/cli/text.js';
import { openDatabase } from '../../dist/session/store/postgres/open-database.js';
import { SessionPartitions } from '../../dist/session/store/postgres/session-partitions.js';
import { findPage } from '../../dist/session/store/postgres/session-queries.js';
import { READ } from '../../dist/session/store/postgres/session-statements.js';
import { type Figure, median, sampleOf } from '../figure.js';
import type { Row } from '../rows/row.js';
import type { PostgresBench } from './postgres-bench.js';

/** A year, three years, ten. */
const MONTHS = [12, 36, 120];
const TIMES = 50;
const ID = 'sess_20240115_103045_a1b2c3';
const ASKED = {
  read: ['one session looked for', (client: pg.Client) => client.query(READ, [ID])],
  page: ['first page of the list', (client: pg.Client) => findPage(client, { limit: 50 })],
} as const;

export const partitionsRow: Row<PostgresBench> = {
  name: 'partitions',
  what: `one session and a page, over tables without sessions, of ${MONTHS.join(', ')} months`,
  measure: async (bench) => {
    const clients = await Promise.all(MONTHS.map((months) => ofMonths(bench, months)));
    const figures: Figure[] = [];
    for (const [asked, [what, ask]] of Object.entries(ASKED)) {
      const sides = MONTHS.map((months, index) => [
        `of-${months}`,
        () => timed(() => ask(clients[index] as pg.Client)),
      ]);
      const rounds = await bench.alternate(`partitions-${asked}`, Object.fromEntries(sides));
      for (const months of MONTHS)
        figures.push({
          name: `partitions-${asked}-${months}`,
          what: `${what}, ${count(months, 'month')} without sessions, p50`,
          unit: 'ms',
          measured: sampleOf(rounds[`of-${months}`] as number[]),
          aims: [],
        });
    }
    for (const client of clients) await client.end();
    return figures;
  },
};

async function ofMonths(bench: PostgresBench, months: number): Promise<pg.Client> {
  const { url } = await bench.scratch();
  const { database } = await openDatabase({ url, poolSize: 1, warn: () => undefined });
  const partitions = new SessionPartitions(database);
  for (let month = 0; month < months; month += 1) {
    const at = new Date(Date.UTC(2024, -month, 15)).toISOString().slice(0, 7).replace('-', '');
    await partitions.makeFor(ID.replace('202401', at));
  }
  await database.close();
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

async function timed(ask: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const begun = performance.now();
    await ask();
    times.push(performance.now() - begun);
  }
  return median(times);
}
