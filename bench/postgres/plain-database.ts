/**
 * The floor: the very statements that the store makes, in plain `pg` with as many connections, and with values that were
 * made before: nothing is read of what comes back, nothing decided and nothing sealed.
 */

import pg from 'pg';
import { makeSessionId } from '../../dist/session/domain/session-id.js';
import { INSERT, LOCK, READ, UPDATE } from '../../dist/session/store/postgres/session-statements.js';

/** As many as the store has where nothing else is said. */
const CONNECTIONS = 10;
const TRIES = 8;
const ROW = `
  SELECT log_bytes, revision, status, user_id, labels, timing::text AS timing, tsvector_to_array(words) AS words, listed,
    state, outputs, created_at, (SELECT store_id FROM session_store) AS store_id FROM sessions WHERE id = $1`;
const LINE = 'SELECT line FROM session_events WHERE session_id = $1 ORDER BY seq DESC LIMIT 1';

interface Row {
  readonly [column: string]: unknown;
  readonly revision: number;
}

/** A session's row and the last line of its log. */
interface Template {
  readonly row: Row;
  readonly line: string;
}

export class PlainDatabase {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  }

  async get(id: string): Promise<void> {
    await this.#pool.query(READ, [id]);
  }

  /** What a creation like that of this session writes, under an id that nobody has. */
  async create(template: Template): Promise<void> {
    // Of some thousand ids in one second two may be the same: the store makes another one then, too.
    for (let tries = 0; tries < TRIES; tries++) if (await this.#create(template)) return;
    throw new Error('nothing was made');
  }

  async #create({ row, line }: Template): Promise<boolean> {
    const suffix = Math.floor(Math.random() * 0x1000000)
      .toString(16)
      .padStart(6, '0');
    const id = makeSessionId(new Date(), suffix);
    const rest = [row.created_at, undefined, row.store_id];
    const { rowCount } = await this.#pool.query(INSERT, [
      id,
      0,
      [line],
      row.outputs,
      ...changed(row),
      ...rest,
    ]);
    return rowCount === 1;
  }

  /** What a change like the last one of this session writes, as its event `seq`. */
  async append(id: string, seq: number, { row, line }: Template): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(LOCK, [id]);
      await client.query(UPDATE, [id, seq, [line], undefined, ...changed(row)]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  async template(id: string): Promise<Template> {
    const [rows, lines] = [await this.#pool.query<Row>(ROW, [id]), await this.#pool.query(LINE, [id])];
    return { row: rows.rows[0] as Row, line: lines.rows[0]?.line };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function changed({
  log_bytes,
  revision,
  status,
  user_id,
  labels,
  timing,
  words,
  listed,
  state,
}: Row): unknown[] {
  return [log_bytes, revision, status, user_id, labels, timing, words, listed, state];
}
