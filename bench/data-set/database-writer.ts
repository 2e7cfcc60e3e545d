/**
 * A thread of the seeder of a database: takes one day after another and puts its sessions in by the statement with which
 * the store makes one, a day in a transaction.
 */

import { workerData } from 'node:worker_threads';
import pg from 'pg';
import { INSERT, insertValues } from '../../dist/session/store/postgres/session-statements.js';
import { type MadeSession, sessionsOfDay } from './made-sessions.js';
import { type Plan, sessionsByDay } from './plan.js';
import { type Shared, takeDays } from './threads.js';

/** What all threads of a seeder share. */
export interface DatabaseTask extends Shared {
  readonly url: string;
  readonly storeId: string;
  readonly plan: Plan;
}

const task = workerData as DatabaseTask;
const client = new pg.Client(task.url);
await client.connect();
// What is here when the power goes is made anew.
await client.query('SET synchronous_commit = off');
await takeDays(task, sessionsByDay(task.plan), async (day, sessions, done) => {
  await client.query('BEGIN');
  for (const made of sessionsOfDay(task.plan, day, sessions, task.storeId)) await put(made);
  await client.query('COMMIT');
  done(sessions);
});
await client.end();

async function put({ seal }: MadeSession): Promise<void> {
  const { log, session } = seal();
  const sealed = { session, lines: log.toString().trimEnd().split('\n'), logBytes: log.length };
  const values = insertValues(sealed, task.storeId);
  const { rowCount } = await client.query({ name: 'put', text: INSERT, values });
  if (rowCount !== sealed.lines.length) throw new Error('a session was not put in');
}
