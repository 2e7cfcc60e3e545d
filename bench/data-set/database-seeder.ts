/**
 * Fills a database with the sessions of a plan: the tables and partitions that the store makes, one thread for each
 * processor, and the statistics that PostgreSQL takes by itself within minutes.
 */

import pg from 'pg';
import { CommandError } from '../../dist/cli/command-error.js';
import { makeSessionId } from '../../dist/session/domain/session-id.js';
import { openDatabase } from '../../dist/session/store/postgres/open-database.js';
import { SessionPartitions } from '../../dist/session/store/postgres/session-partitions.js';
import { dayStart, type Plan } from './plan.js';
import type { Seeded } from './seeder.js';
import { runThreads } from './threads.js';

/** As autovacuum takes them: of each partition, and none of the tables that only consist of others. */
const PARTITIONS = `
  SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent IN ('sessions'::regclass, 'session_events'::regclass) AND relkind = 'r' ORDER BY 1`;

/** @throws CommandError where the database has sessions */
export async function seedDatabase(url: string, plan: Plan): Promise<Seeded> {
  const { database, storeId } = await openDatabase({ url, poolSize: 1, warn: () => undefined });
  try {
    const found = await database.query('SELECT FROM sessions LIMIT 1');
    if (found.length > 0) throw new CommandError('the database has sessions: choose an empty one');
    const partitions = new SessionPartitions(database);
    for (let day = 0; day < plan.days; day += 1)
      await partitions.makeFor(makeSessionId(new Date(dayStart(plan, day)), '000000'));
  } finally {
    await database.close();
  }
  const begun = performance.now();
  await runThreads(new URL('./database-writer.js', import.meta.url), { url, storeId, plan });
  const writtenMs = performance.now() - begun;
  await takeStatistics(url);
  return { writtenMs, durableMs: performance.now() - begun };
}

async function takeStatistics(url: string): Promise<void> {
  process.stderr.write('all written; taking statistics\n');
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(PARTITIONS);
  for (const { name } of rows) await client.query(`VACUUM (ANALYZE) ${name}`);
  await client.query('CHECKPOINT');
  await client.end();
}
