/**
 * A server that is measured, as a process of its own: started on a free port, asked until it answers, stopped by a
 * signal. Its log goes to /dev/null.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

const HOST = '127.0.0.1';
/** Between two looks whether it answers yet. */
const LOOK_EVERY_MS = 5;
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 30_000;

export interface Program {
  /** A path, and arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What it answers with 200 once it is ready. */
  readonly readyPath: string;
}

export class Server {
  private constructor(
    readonly url: string,
    /** From its start to its first answer. */
    readonly startMs: number,
    private readonly child: ChildProcess,
  ) {}

  /** Resolves when it has answered. */
  static async start({ command, env, readyPath }: Program): Promise<Server> {
    const port = await freePort();
    const begun = performance.now();
    const told = { PATH: process.env.PATH, HOST, PORT: String(port), ...env };
    // Not in a folder that may hold an .env.
    const options = { cwd: tmpdir(), env: told, stdio: ['ignore', 'ignore', 'pipe'] as const };
    const child = spawn(process.execPath, [...command], { ...options, stdio: [...options.stdio] });
    let complaint = '';
    child.stderr?.on('data', (text) => {
      complaint = `${complaint}${text}`.slice(-2_000);
    });
    const url = `http://${HOST}:${port}`;
    while ((await statusOf(`${url}${readyPath}`)) !== 200) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the server did not start: ${complaint.trim() || 'it said nothing'}`);
      if (performance.now() - begun > START_LIMIT_MS) {
        child.kill('SIGKILL');
        throw new Error(`the server gave no answer to ${readyPath}`);
      }
      await pause(LOOK_EVERY_MS);
    }
    return new Server(url, performance.now() - begun, child);
  }

  /** The memory it has now, in megabytes. */
  get memoryMB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024) / 1e6;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** Stops all that was started, whatever happens. */
export async function withServers<T>(
  programs: readonly Program[],
  use: (...servers: Server[]) => Promise<T>,
): Promise<T> {
  const servers: Server[] = [];
  try {
    for (const program of programs) servers.push(await Server.start(program));
    return await use(...servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The status of an answer; `undefined` where there is none. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = get(url, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
      answer.on('error', () => resolve(undefined));
    });
    asked.on('error', () => resolve(undefined));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
