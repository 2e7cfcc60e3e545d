/**
 * Where a server of the tests keeps its sessions: a data folder or a PostgreSQL database, made for it and gone with it. And
 * what a test sees of that, or alters in it, behind the server's back.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { command, freshDatabase } from '../postgres/fresh-database.js';

/** Set by jest.config.js: over which store this run of the tests is. */
declare const STORE: 'file' | 'postgres' | 'memory';

export interface TestPlace {
  /** What a server is told of it, as a user would. */
  readonly environment: Readonly<Record<string, string>>;
  /** What no answer may give away. */
  readonly secrets: readonly string[];
  /** The `audit_path` of a session. */
  auditPath(id: string): Promise<string>;
  /** The log of a session, as it is stored: lines, each with its newline. */
  log(id: string): Promise<string>;
  alterLog(id: string, change: (log: string) => string): Promise<void>;
  remove(): Promise<void>;
}

/** A place of the kind that this run is about. A store in memory has none; what it leaves is an empty folder. */
export function makePlace(): Promise<TestPlace> {
  return STORE === 'postgres' ? TestDatabase.make() : TestFolder.make();
}

export class TestFolder implements TestPlace {
  readonly environment: TestPlace['environment'];
  readonly secrets: readonly string[];

  private constructor(readonly path: string) {
    this.environment = { DATA_SESSIONS_PATH: path };
    this.secrets = [path];
  }

  static async make(): Promise<TestFolder> {
    return new TestFolder(await mkdtemp(join(tmpdir(), 'impact-session-')));
  }

  async auditPath(id: string): Promise<string> {
    const day = `${id.slice(5, 9)}-${id.slice(9, 11)}-${id.slice(11, 13)}`;
    return `${this.path}/${day}/${id}`;
  }

  async log(id: string): Promise<string> {
    return readFile(join(await this.auditPath(id), 'events.jsonl'), 'utf8');
  }

  async alterLog(id: string, change: (log: string) => string): Promise<void> {
    await writeFile(join(await this.auditPath(id), 'events.jsonl'), change(await this.log(id)));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** A password that the tests' server does not ask for, so that there is one that must not be told. */
const PASSWORD = 'nobody-may-read-this';

export class TestDatabase implements TestPlace {
  readonly environment: TestPlace['environment'];
  readonly secrets: readonly string[];
  /** Connected at the first question. */
  readonly #client: pg.Pool;

  private constructor(
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {
    this.environment = { STORE: 'postgres', DATABASE_URL: url };
    this.secrets = [url, new URL(url).password, this.name];
    this.#client = new pg.Pool({ connectionString: url, max: 1 });
    // Where the test cuts whoever is connected.
    this.#client.on('error', () => undefined);
  }

  static async make(): Promise<TestDatabase> {
    const { url, drop } = await freshDatabase();
    const told = new URL(url);
    told.password ||= PASSWORD;
    return new TestDatabase(told.href, drop);
  }

  get name(): string {
    return new URL(this.url).pathname.slice(1);
  }

  async auditPath(id: string): Promise<string> {
    const [store] = await this.ask('SELECT store_id FROM session_store');
    return `urn:impact-session:${store?.store_id}:${id}`;
  }

  async log(id: string): Promise<string> {
    const lines = await this.ask('SELECT line FROM session_events WHERE session_id = $1 ORDER BY seq', [id]);
    return lines.map(({ line }) => `${line}\n`).join('');
  }

  async alterLog(id: string, change: (log: string) => string): Promise<void> {
    const lines = change(await this.log(id))
      .split('\n')
      .slice(0, -1);
    await this.ask(
      `WITH gone AS (DELETE FROM session_events WHERE session_id = $1 AND seq >= cardinality($2::text[]))
       UPDATE session_events SET line = ($2::text[])[seq + 1] WHERE session_id = $1 AND seq < cardinality($2::text[])`,
      [id, lines],
    );
  }

  /** From now on it takes nobody, and who is connected is cut off: as when its server is gone. */
  async shut(): Promise<void> {
    await command(`ALTER DATABASE ${this.name} ALLOW_CONNECTIONS false`);
    await command(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${this.name}'`);
  }

  async reopen(): Promise<void> {
    await command(`ALTER DATABASE ${this.name} ALLOW_CONNECTIONS true`);
  }

  /** Runs a statement in it; its rows. */
  async ask(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    return (await this.#client.query(text, values)).rows;
  }

  async remove(): Promise<void> {
    await this.#client.end();
    await this.drop();
  }
}
