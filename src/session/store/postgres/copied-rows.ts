/**
 * Sessions as rows, many at a time: how a copy reads them and puts them. A session that is put is the very rows that
 * PostgresStore would have written.
 */

import type { ClientBase } from 'pg';
import type { Copy, WholeSession } from '../session-copy.js';
import { COLUMNS, rowValues } from './session-statements.js';

/** A session as it is kept. */
export interface KeptCopy extends Copy {
  readonly id: string;
  /** How many events it has, as its row says; `null` where it has no row. */
  readonly revision: number | null;
  /** How many lines it has. */
  readonly events: number;
}

/** The lines of each as one text: rows by the dozen cost more than what is in them. */
const LOGS = `
  SELECT id, revision, log, events FROM unnest($1::text[]) AS wanted(id)
  LEFT JOIN sessions USING (id)
  LEFT JOIN LATERAL (
    SELECT string_agg(line || E'\\n', '' ORDER BY seq) AS log, count(*)::int AS events FROM session_events WHERE session_id = wanted.id
  ) lines ON true
  WHERE revision IS NOT NULL OR log IS NOT NULL`;
const TAILS = 'SELECT session_id, file, bytes FROM session_tails WHERE session_id = ANY($1)';

export async function readCopies(client: ClientBase, ids: readonly string[]): Promise<KeptCopy[]> {
  const logs = await client.query<Omit<KeptCopy, 'log' | 'tails'> & { log: string | null }>(LOGS, [ids]);
  const tails = await client.query<{ session_id: string; file: string; bytes: Buffer }>(TAILS, [ids]);
  return logs.rows.map(({ log, ...row }) => {
    const own = tails.rows.filter(({ session_id }) => session_id === row.id);
    const kept = new Map(own.map(({ file, bytes }) => [file, bytes]));
    return { ...row, log: Buffer.from(log ?? ''), tails: kept };
  });
}

const INSERT_EVENTS = `
  INSERT INTO session_events (session_id, seq, line)
  SELECT * FROM unnest($1::text[], $2::int[], $3::text[])`;
const INSERT_TAIL = 'INSERT INTO session_tails (session_id, file, bytes) VALUES ($1, $2, $3)';

/** In a transaction of the caller's. */
export async function putCopies(client: ClientBase, sessions: readonly WholeSession[]): Promise<void> {
  const [ids, seqs, lines]: [string[], number[], string[]] = [[], [], []];
  const values: unknown[] = [];
  const rows: string[] = [];
  for (const { session, log, tails } of sessions) {
    const own = log.toString().trimEnd().split('\n');
    const columns = rowValues({ session, lines: own, logBytes: log.length });
    const first = values.length + 1;
    values.push(...columns);
    rows.push(`(${columns.map((_, n) => place(first + n, n)).join(', ')})`);
    for (const [seq, line] of own.entries()) {
      ids.push(session.id);
      seqs.push(seq);
      lines.push(line);
    }
    for (const [file, bytes] of tails) await client.query(INSERT_TAIL, [session.id, file, bytes]);
  }
  await client.query(`INSERT INTO sessions (${COLUMNS}) VALUES ${rows.join(', ')}`, values);
  await client.query(INSERT_EVENTS, [ids, seqs, lines]);
}

/** Of the columns, one is made of its words. */
const WORDS = COLUMNS.split(', ').indexOf('words');

function place(number: number, column: number): string {
  return column === WORDS ? `array_to_tsvector($${number}::text[])` : `$${number}`;
}
