/** The logs of a PostgreSQL database as its rows are, with no store in between, and what is wrong with their chains. */

import pg from 'pg';
import { readLog } from '../../src/session/domain/event-log.js';
import { type LoggedEvent, type Logs, loggedEvent } from '../history/history.js';

export async function readLogs(url: string): Promise<{ readonly logs: Logs; readonly faults: string[] }> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const [store] = (await client.query<{ store_id: string }>('SELECT store_id FROM session_store')).rows;
    const logs = new Map<string, readonly LoggedEvent[]>();
    const faults: string[] = [];
    // Also of sessions that have no row, which there should not be.
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM sessions UNION SELECT session_id FROM session_events',
    );
    for (const { id } of rows) {
      const lines = await client.query<{ line: string }>(
        'SELECT line FROM session_events WHERE session_id = $1 ORDER BY seq',
        [id],
      );
      const bytes = Buffer.from(lines.rows.map(({ line }) => `${line}\n`).join(''));
      const { events, rest } = readLog(bytes, store?.store_id ?? '', id);
      if (rest) faults.push(`event ${rest.seq} of ${id} does not verify: ${rest.finding}`);
      logs.set(id, events.map(loggedEvent));
    }
    return { logs, faults };
  } finally {
    await client.end();
  }
}
