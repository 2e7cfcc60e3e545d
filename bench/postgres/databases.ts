/** The databases that are measured on, of a server that is there: made once for each size, and used again. */

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { count } from '../../dist/cli/text.js';
import type { DataSet } from '../data-set/data-set.js';
import { seedDatabase } from '../data-set/database-seeder.js';
import { type Note, today } from '../data-set/plan.js';

const PREFIX = 'impact_session_bench_';

export interface DatabaseSet extends DataSet {
  readonly url: string;
}

export class Databases {
  readonly #scratch: string[] = [];

  constructor(private readonly server: string) {}

  /** One with so many sessions, made where an earlier run left none that is whole. */
  async ofSize(sessions: number): Promise<DatabaseSet> {
    const name = `${PREFIX}${sessions}`;
    const [found] = await rowsOf<{ note: string | null }>(
      this.server,
      `SELECT shobj_description(oid, 'pg_database') AS note FROM pg_database WHERE datname = '${name}'`,
    );
    if (!found?.note) {
      await rowsOf(this.server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      process.stderr.write(`making ${count(sessions, 'session')} to measure on\n`);
      await this.#create(name);
      const plan = { sessions, days: 365, seed: 1, until: today() };
      await seedDatabase(this.#url(name), plan);
      const note: Note = { ...plan, complete: true };
      await rowsOf(this.server, `COMMENT ON DATABASE ${name} IS '${JSON.stringify(note)}'`);
    }
    const url = this.#url(name);
    const [first] = await rowsOf<{ id: string }>(url, 'SELECT id FROM sessions ORDER BY id LIMIT 1');
    return { url, sessions, onePath: `/session/${first?.id}` };
  }

  /** An empty one for what is made and thrown away. */
  async scratch(): Promise<DatabaseSet> {
    const name = `${PREFIX}scratch_${randomUUID().replaceAll('-', '')}`;
    await this.#create(name);
    this.#scratch.push(name);
    return { url: this.#url(name), sessions: 0, onePath: '/session/list?limit=1' };
  }

  async close(): Promise<void> {
    for (const name of this.#scratch.splice(0))
      await rowsOf(this.server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }

  async #create(name: string): Promise<void> {
    await rowsOf(this.server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  }

  #url(name: string): string {
    const url = new URL(this.server);
    url.pathname = `/${name}`;
    return url.href;
  }
}

/** So many paths of sessions, drawn from all; the same ones each time. */
export async function pathsOf({ url, sessions }: DatabaseSet, wanted: number): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    url,
    `SELECT id FROM sessions WHERE hashtextextended(id, 0) % $1 = 0 ORDER BY hashtextextended(id, 1) LIMIT $2`,
    [Math.max(1, Math.floor(sessions / wanted)), wanted],
  );
  return rows.map(({ id }) => `/session/${id}`);
}

/** One statement on a connection of its own. */
export async function rowsOf<Row extends object>(url: string, text: string, values: unknown[] = []) {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
