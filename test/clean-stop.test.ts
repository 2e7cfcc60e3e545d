/**
 * Promise: a clean stop drops nothing, over a folder or a database. Whoever was heard is answered, though dozens talk at
 * once; what was confirmed is there, in a folder with its views; and the next start knows that the stop was a clean one.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { FileStore } from '../src/session/store/file/file-store.js';
import { PostgresStore } from '../src/session/store/postgres/postgres-store.js';
import type { SessionStore } from '../src/session/store/session-store.js';
import { ask, createSession, database, folder, type Run, serve } from './server-process.js';

const CLIENTS = 40;
/** How many answers each client has had when the server is told to stop. */
const WARM = 3;
/**
 * How many may have connected in the very moment in which the server closed the door: nobody can know of them, and what
 * they sent was not heard.
 */
const TOO_LATE = CLIENTS / 10;

/** A client that reports one step after another, each when the one before was answered. */
class Reporter {
  readonly confirmed: string[] = [];
  readonly errors: string[] = [];
  /** Requests on a new connection that was reset. If one of them was heard, its step is kept though not confirmed. */
  readonly reset: string[] = [];
  /** What the last answer says of the connection that it came on. */
  lastConnection: string | undefined;
  #warm: () => void = () => undefined;
  readonly warm = new Promise<void>((resolve) => {
    this.#warm = resolve;
  });

  constructor(
    private readonly url: string,
    readonly id: string,
    private readonly agent: Agent | false,
  ) {}

  /** Until nobody listens any more. */
  async report(): Promise<void> {
    for (let n = 0; ; n++) {
      const step = `step-${n}`;
      try {
        const { status, headers } = await ask('PATCH', this.url, { steps_completed: [step] }, this.agent);
        if (status !== 200) this.errors.push(`${step}: ${status}`);
        this.confirmed.push(step);
        this.lastConnection = headers.connection;
        if (n === WARM) this.#warm();
      } catch (error) {
        const { code, onKeptConnection } = error as NodeJS.ErrnoException & { onKeptConnection: boolean };
        if (code === 'ECONNREFUSED') return;
        const onNew = code === 'ECONNRESET' && !onKeptConnection;
        (onNew ? this.reset : this.errors).push(`${step}: ${code ?? error}`);
      }
    }
  }
}

/** Clients of which half keep their connections, while the server is told to stop. */
async function reportThroughStop(server: Run & { url: string }, signal: NodeJS.Signals): Promise<Reporter[]> {
  const ids = await Promise.all(Array.from({ length: CLIENTS }, () => createSession(server.url)));
  const reporters = ids.map((id, n) => {
    const agent = n % 2 === 0 && new Agent({ keepAlive: true, maxSockets: 1 });
    return new Reporter(`${server.url}/session/${id}`, id, agent);
  });
  const reporting = Promise.all(reporters.map((reporter) => reporter.report()));
  await Promise.all(reporters.map(({ warm }) => warm));
  server.process.kill(signal);
  await reporting;
  return reporters;
}

/** What clients were not answered that should have been. */
function unanswered(reporters: readonly Reporter[]): string[] {
  const reset = reporters.flatMap((reporter) => reporter.reset);
  return [...reporters.flatMap(({ errors }) => errors), ...(reset.length > TOO_LATE ? reset : [])];
}

/** Everything that was confirmed, and nothing else, is there, and the server has let go of it. */
async function expectKept(reporters: readonly Reporter[]): Promise<void> {
  const store = await openWhatWasLeft();
  for (const { id, confirmed } of reporters) {
    const { session, auditPath } = (await store.read(id))!;
    expect(session.stepsCompleted).toEqual(confirmed);
    expect(await store.verify(id)).toMatchObject({ valid: true, head: session.head });
    if (store instanceof FileStore) {
      const view = JSON.parse(readFileSync(join(auditPath, 'session_metadata.json'), 'utf8'));
      expect([view.revision, view.head]).toEqual([session.revision, session.head]);
    }
  }
  await store.close();
}

/** The store that the server had, in which it has left its word of goodbye; to a database, it has no connection any more. */
async function openWhatWasLeft(): Promise<SessionStore> {
  if (database) {
    const others = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'impact-session'`;
    // PostgreSQL may hear of it a moment later.
    while ((await database.ask(others)).length > 0);
    return PostgresStore.open({ url: database.url });
  }
  const path = join(folder, 'data/sessions');
  expect(readFileSync(join(path, '.store/lock'), 'utf8')).toBe('');
  return FileStore.open({ path });
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'At %s every request that was heard is answered, what was confirmed is kept, and nobody has to wait',
  async (signal) => {
    const server = await serve();
    const reporters = await reportThroughStop(server, signal);
    const begun = performance.now();
    expect(await server.ended).toBe(0);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(unanswered(reporters)).toEqual([]);
    const kept = reporters.filter((_, n) => n % 2 === 0);
    expect(kept.map(({ lastConnection }) => lastConnection)).toEqual(kept.map(() => 'close'));
    await expectKept(reporters);
    expect(server.output.stderr).toBe('');
  },
);

test('A stop that cuts connections leaves requests without an answer, and these tests see it', async () => {
  const cutting = `
    import { Server } from 'node:http';
    const close = Server.prototype.close;
    Server.prototype.close = function (...args) {
      this.closeAllConnections();
      return close.apply(this, args);
    };`;
  const options = `--import=data:text/javascript,${encodeURIComponent(cutting)}`;
  const reporters = await reportThroughStop(await serve({ NODE_OPTIONS: options }), 'SIGTERM');
  expect(unanswered(reporters)).toContainEqual(expect.stringContaining('ECONNRESET'));
});

test('Who sent a request before the server came to accept the connection is answered too', async () => {
  const server = await serve();
  const [id, agent] = [await createSession(server.url), new Agent({ keepAlive: true })];
  const path = `${server.url}/session/${id}`;
  await ask('GET', path, undefined, agent);
  // While it is stopped, the kernel takes what is sent to it.
  server.process.kill('SIGSTOP');
  const answers = [ask('PATCH', path, { steps_completed: ['on a connection that was kept'] }, agent)];
  const steps = Array.from({ length: 30 }, (_, n) => `step-${n}`);
  const sockets = steps.map(() => connect(Number(new URL(server.url).port), '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const heard = sockets.map(async (socket, n) => {
    const body = JSON.stringify({ steps_completed: [steps[n]] });
    const head = `PATCH /session/${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}`;
    await new Promise((resolve) => socket.write(`${head}\r\n\r\n${body}`, resolve));
    return text(socket);
  });
  server.process.kill('SIGTERM');
  server.process.kill('SIGCONT');
  for (const answer of await Promise.all(heard)) expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  // It may have been read before the signal was, and then its connection was not told to end yet.
  for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  expect(await server.ended).toBe(0);
});

/** Five reports on one connection, sent one behind another without waiting for answers (pipelining). */
class Pipelined {
  readonly #requests: string;

  constructor(id: string) {
    const requests = ['a', 'b', 'c', 'd', 'e'].map((step) => {
      const body = JSON.stringify({ steps_completed: [step] });
      return `PATCH /session/${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    this.#requests = requests.join('');
  }

  send(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.write(this.#requests, () => resolve()));
  }

  /** All are answered, and with the last answer the connection ends. */
  async expectAnswers(socket: Socket): Promise<void> {
    const answers = (await text(socket)).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => answer.slice(0, 15))).toEqual(Array(5).fill('HTTP/1.1 200 OK'));
    const ends = answers.map((answer) => /^connection: close\r$/im.test(answer));
    expect(ends).toEqual([false, false, false, false, true]);
  }
}

test('Requests one behind another on one connection are all answered when the server is told to stop meanwhile', async () => {
  const server = await serve();
  const reports = new Pipelined(await createSession(server.url));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  // While it is stopped, the kernel takes what is sent to it.
  server.process.kill('SIGSTOP');
  await reports.send(socket);
  server.process.kill('SIGTERM');
  server.process.kill('SIGCONT');
  await reports.expectAnswers(socket);
  expect(await server.ended).toBe(0);
});

test('Requests one behind another are all answered on a connection that is kept while the server stops', async () => {
  const server = await serve();
  const reports = new Pipelined(await createSession(server.url));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  server.process.kill('SIGTERM');
  const told = async () => {
    const agent = new Agent({ keepAlive: true });
    const { headers } = await ask('GET', `${server.url}/session/list`, undefined, agent);
    agent.destroy();
    return headers.connection === 'close';
  };
  while (!(await told()));
  await reports.send(socket);
  await reports.expectAnswers(socket);
  expect(await server.ended).toBe(0);
});

test('A second signal ends the server at once, whatever is under way', async () => {
  const { url, process: server, ended } = await serve();
  const client = connect(Number(new URL(url).port), '127.0.0.1');
  client.on('error', () => undefined);
  client.write(
    'POST /session/create HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{',
  );
  // The server has seen the request when it asks for the rest of it, and the signal when it listens no more.
  await once(client, 'data');
  server.kill('SIGTERM');
  const refused = async () => (await ask('GET', url).catch((error) => error)).code === 'ECONNREFUSED';
  while (!(await refused()));
  const told = performance.now();
  server.kill('SIGTERM');
  await ended;
  expect(server.signalCode).toBe('SIGTERM');
  expect(performance.now() - told).toBeLessThan(1_000);
});
