/**
 * The server as a process, for the tests that start, stop and kill it, on the HTTP adapter and over the store that this run
 * of the tests is about (jest.config.js): each test has a working folder of its own, and a database where the run is about
 * that; what it started is gone when it ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect } from '@jest/globals';
import { TestDatabase } from './http/test-place.js';

const MAIN = join(process.cwd(), 'dist/main.js');

/** Set by jest.config.js: on which adapter and over which store this run of the tests is. */
declare const HTTP_ADAPTER: 'express' | 'fastify';
declare const STORE: 'file' | 'postgres';

export interface Run {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Resolves with the exit code when the process has ended and all it wrote is there. */
  readonly ended: Promise<number | null>;
}

/** The working folder of the servers of a test. */
export let folder: string;
/** The database of a test's servers, where the run is about that. */
export let database: TestDatabase | undefined;
let runs: Run[];
let listening: Server | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'impact-session-start-'));
  if (STORE === 'postgres') database = await TestDatabase.make();
  runs = [];
});

afterEach(async () => {
  for (const run of runs) run.process.kill('SIGKILL');
  await Promise.all(runs.map(({ ended }) => ended));
  listening?.close();
  listening = undefined;
  await database?.remove();
  rmSync(folder, { recursive: true });
});

/** Starts the server in the folder of the test, over its database if it has one, with these variables and no other that it reads. */
export function run(environment: Record<string, string>, through: readonly string[] = []): Run {
  const [command = '', ...args] = [...through, process.execPath, MAIN];
  const told = { LOG_LEVEL: 'warn', HTTP_ADAPTER, ...database?.environment, ...environment };
  const env = { PATH: process.env.PATH, ...told };
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  runs.push({ process: child, output, ended });
  return runs.at(-1) as Run;
}

/** A port that was free a moment ago; with `keep`, one that is taken until the test ends. */
export async function port(keep = false): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: chosen } = server.address() as { port: number };
  if (keep) listening = server;
  else await new Promise((resolve) => server.close(resolve));
  return String(chosen);
}

/** A server that listens; started anew by each call. */
export async function serve(environment: Record<string, string> = {}): Promise<Run & { url: string }> {
  const PORT = await port();
  const started = run({ PORT, LOG_LEVEL: 'info', ...environment });
  const said = new Promise((resolve) => {
    started.process.stdout?.on('data', () => started.output.stdout.includes(' serves ') && resolve('serves'));
  });
  expect([await Promise.race([said, started.ended]), started.output.stderr]).toEqual(['serves', '']);
  expect(started.output.stdout).toContain(` on ${environment.HTTP_ADAPTER ?? HTTP_ADAPTER} serves `);
  return { ...started, url: `http://127.0.0.1:${PORT}` };
}

/** The server does not start; what it says is one line for each of these, and nothing else. */
export async function expectRefusal(refused: Run, ...lines: RegExp[]): Promise<void> {
  expect(await refused.ended).toBe(1);
  const said = refused.output.stderr.split('\n');
  expect(said.pop()).toBe('');
  expect(said).toEqual(lines.map((line) => expect.stringMatching(line)));
  for (const line of said) expect(line).toMatch(/^impact-session: [A-Z]/);
  expect(refused.output.stderr).not.toMatch(/\bat .+:\d+:\d+|node_modules/);
}

export async function createSession(url: string): Promise<string> {
  const response = await fetch(`${url}/session/create`, { method: 'POST' });
  expect(response.status).toBe(200);
  return ((await response.json()) as { session_id: string }).session_id;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read as any JSON is
  readonly body: any;
}

/** One request, on a connection of its own unless it is given an agent that keeps some; an error says on which it was. */
export async function ask(
  method: string,
  url: string,
  report?: object,
  agent: Agent | false = false,
): Promise<Answer> {
  const body = report && JSON.stringify(report);
  const sent = request(url, { method, agent, headers: { 'content-type': 'application/json' } });
  sent.end(body);
  const [response] = (await once(sent, 'response').catch((error) => {
    throw Object.assign(error, { onKeptConnection: sent.reusedSocket });
  })) as [IncomingMessage];
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: await json(response) };
}
