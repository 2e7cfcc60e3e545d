/**
 * PgBouncer before the tests' server, as operators put it before many servers: it pools transactions, so that two that
 * follow each other on one connection may come to two of the database. From Debian's package; a machine without it fails the tests.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { answers, NOBODY } from '../postgres/postgres-server.js';

/** Debian has it where only root looks. */
const PATH = `${process.env.PATH}:/usr/sbin`;
/** Of each database, at most: fewer than the stores of a test have. */
const SERVER_CONNECTIONS = 8;
const START_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 20;

export class PgBouncer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** @param server of PostgreSQL, on a socket */
  static async start(server: string): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), 'impact-session-pooler-'));
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    if (user.uid) chownSync(folder, NOBODY, NOBODY);
    const settings = join(folder, 'pgbouncer.ini');
    writeFileSync(settings, settingsFor(server, folder));
    const child = spawn('pgbouncer', [settings], {
      ...user,
      cwd: folder,
      env: { PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const bouncer = new PgBouncer(child, folder);
    await bouncer.#ready();
    return bouncer;
  }

  url(database: string): string {
    return `postgres://postgres@localhost/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true });
  }

  async #ready(): Promise<void> {
    let said = '';
    this.child.on('error', ({ message }) => {
      said = `${message} (Debian: apt-get install pgbouncer)`;
    });
    this.child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const until = Date.now() + START_LIMIT_MS;
    while (!(await answers(this.url('postgres')))) {
      if (this.child.pid === undefined || this.child.exitCode !== null || Date.now() > until)
        throw new Error(`PgBouncer does not start: ${said.trim()}`);
      await pause(LOOK_EVERY_MS);
    }
  }
}

/** Any database of the server, to whoever asks, as the tests' server itself has it. */
function settingsFor(server: string, folder: string): string {
  const { host } = Object.fromEntries(new URL(server).searchParams);
  return `[databases]
* = host=${host} user=postgres
[pgbouncer]
unix_socket_dir = ${folder}
listen_addr =
listen_port = 5432
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = ${SERVER_CONNECTIONS}
`;
}
