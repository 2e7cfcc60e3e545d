/**
 * How PostgreSQL goes about the documented filters, by EXPLAIN over sessions of three months: never by reading a whole
 * table. `npm run bench -- --store postgres --only plans` asks the same of 1,000,000. No time is judged.
 */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { EVENTS, LINES, LOCK, READ, UPDATE } from '../../src/session/store/postgres/session-statements.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';

interface Explained {
  readonly listing: string;
  readonly readWhole: readonly string[];
  readonly blocks: number;
}

const SESSIONS = ['--sessions', '10000', '--days', '91', '--until', '2024-04-01'];
const LISTINGS = 39;
/** A page of each of three statuses, and the way to it in the index of each month. */
const BLOCKS_OF_STATUSES = 300;

const ID = 'sess_20240215_103045_a1b2c3';

let database: FreshDatabase;
let explainListings: (url: string) => Promise<Explained[]>;

beforeAll(async () => {
  database = await freshDatabase();
  const seed = [resolve('dist-bench/seed.js'), ...SESSIONS, '--database', database.url];
  await promisify(execFile)(process.execPath, seed);
  ({ explainListings } = await import(pathToFileURL(resolve('dist-bench/postgres/plans.js')).href));
});

afterAll(() => database.drop());

async function thatReadWholeTables(): Promise<string[]> {
  const explained = await explainListings(database.url);
  expect(explained.length).toBe(LISTINGS);
  return explained.filter(({ readWhole }) => readWhole.length > 0).map(({ listing }) => listing);
}

test('no documented filter, and none of their combinations, has a whole table read', async () => {
  expect(await thatReadWholeTables()).toEqual([]);
});

// What would happen otherwise: else the test above could not fail.
test.each([
  ['sessions_newest', 'no filter'],
  ['sessions_labels', 'a label of none'],
  ['sessions_words', 'a word of none'],
])('without the index %s it is: %s', async (index, listing) => {
  const [row] = await command(`SELECT pg_get_indexdef('${index}'::regclass) AS made`, database.url);
  await command(`DROP INDEX ${index}`, database.url);
  const found = await thatReadWholeTables();
  await command((row as { made: string }).made.replace(' ON ONLY ', ' ON '), database.url);
  expect(found).toContain(listing);
});

test.each([
  ['read', READ, [ID]],
  ['locked', LOCK, [ID]],
  ['changed', UPDATE, [ID, 1, ['{}'], null, 2, 2, 'error', null, [], '{}', [], '{}', '{}']],
  ['asked for its events', EVENTS, [ID, -1, 100]],
  ['verified', LINES, [ID]],
])('a session that is %s: only tables of its month are planned for', async (_what, statement, values) => {
  const explain = `EXPLAIN (FORMAT JSON) ${statement}`;
  const plan = JSON.stringify(await command(explain, database.url, values));
  const partitions = [...plan.matchAll(/"Relation Name":"session(?:s|_events)_(\d{6}|other)"/g)];
  const months = partitions.map(([, month]) => month);
  expect(new Set(months)).toEqual(new Set(['202402']));
});

test('several statuses that only sessions of the newest month have are not looked for in all others', async () => {
  // What an autovacuum looks at meanwhile would keep the index entries that are of no more use.
  for (const month of ['01', '02', '03'])
    await command(`ALTER TABLE sessions_2024${month} SET (autovacuum_enabled = off)`, database.url);
  const atWork = `
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'autovacuum worker'`;
  while ((await command(atWork, database.url)).length > 0) await pause(50);
  await command("UPDATE sessions SET status = 'completed' WHERE id < 'sess_202403'", database.url);
  await command('VACUUM (ANALYZE) sessions', database.url);
  const explained = await explainListings(database.url);
  const statuses = explained.filter(({ listing }) => listing.startsWith('several statuses'));
  expect(statuses.length).toBe(3);
  for (const { blocks } of statuses) expect(blocks).toBeLessThan(BLOCKS_OF_STATUSES);
});
