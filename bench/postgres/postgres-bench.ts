/**
 * What the rows are given that measure the store in PostgreSQL: databases of a server that DATABASE_URL names, or of one
 * that is started for it, and as many processes as there are instances.
 */

import { join, resolve } from 'node:path';
import { Bench, type Wish } from '../bench.js';
import { Load } from '../load/load.js';
import { PostgresServer, SETTINGS } from '../servers/postgres-server.js';
import { type Adapter, product } from '../servers/programs.js';
import type { Program } from '../servers/server.js';
import { type DatabaseSet, Databases, rowsOf } from './databases.js';
import { Instances } from './instances.js';

const FOLDER = join('bench', 'data', 'postgres');

export class PostgresBench extends Bench<DatabaseSet> {
  readonly instances = new Instances();
  /** Processes that make requests, one for each server that is measured at the same time. */
  readonly #loads: Load[] = [this.load];
  readonly #databases: Databases;

  private constructor(
    wish: Wish,
    say: (text: string) => void,
    private readonly url: string,
    private readonly started?: PostgresServer,
  ) {
    super(wish, say);
    this.#databases = new Databases(url);
  }

  static async start(wish: Wish, say: (text: string) => void): Promise<PostgresBench> {
    const url = process.env.DATABASE_URL;
    if (url) return new PostgresBench(wish, say, url);
    const server = await PostgresServer.start(resolve(wish.folders[0] ?? FOLDER));
    return new PostgresBench(wish, say, server.url, server);
  }

  override scratch(): Promise<DatabaseSet> {
    return this.#databases.scratch();
  }

  override server({ url, onePath }: DatabaseSet, adapter: Adapter = this.anyAdapter): Program {
    return product({ STORE: 'postgres', DATABASE_URL: url }, adapter, onePath);
  }

  /** Its tables are its index. */
  override async indexed(set: DatabaseSet): Promise<DatabaseSet> {
    return set;
  }

  loads(wanted: number): readonly Load[] {
    while (this.#loads.length < wanted) this.#loads.push(new Load());
    return this.#loads.slice(0, wanted);
  }

  /** The server's version, and what of its settings matters here. */
  async settings(): Promise<Record<string, string>> {
    const names = ['server_version', 'fsync', 'synchronous_commit', ...Object.keys(SETTINGS)];
    const rows = await rowsOf<{ name: string; value: string }>(
      this.url,
      'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS wanted(name)',
      [names],
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  override async close(): Promise<void> {
    await super.close();
    this.instances.stop();
    for (const load of this.#loads) load.stop();
    await this.#databases.close();
    await this.started?.stop();
  }

  protected override find(sessions: number): Promise<DatabaseSet> {
    return this.#databases.ofSize(sessions);
  }
}
