/**
 * The real server for the end-to-end tests: the modules of main.ts on a free port, on the HTTP adapter and over the store
 * that this run of the tests is about (jest.config.js), with a folder or a database of its own.
 * Every answer is looked at on its way to the test: no answer may lack a request id or give away the inside.
 */

import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterEach, expect } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { loadAdapter } from '../../src/app.adapter.js';
import { appModule } from '../../src/app.module.js';
import { setUpApp } from '../../src/app.setup.js';
import { readConfig } from '../../src/config.js';
import { createLogger, NestLog } from '../../src/logger.js';
import { SessionModule, SessionStore } from '../../src/session/index.js';
import type { FileSystem } from '../../src/session/store/file/durable-file.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { MemoryStore } from '../../src/testing/index.js';
import { makePlace, type TestPlace } from './test-place.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as any JSON is
export type Json = any;

export interface TestServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** Where its sessions are. */
  readonly place: TestPlace;
  readonly app: INestApplication;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; `undefined` when there is none. */
  readonly body: Json;
}

const running = new Set<TestServer>();

afterEach(async () => {
  for (const server of running) await server.close();
  running.clear();
});

/** Set by jest.config.js: on which adapter and over which store this run of the tests is. */
declare const HTTP_ADAPTER: 'express' | 'fastify';
declare const STORE: 'file' | 'postgres' | 'memory';

type Environment = Readonly<Record<string, string>>;

/** What a test may put beneath the server in the place of what this run is about. */
export interface Beneath {
  /** A disk, for a server over a data folder. */
  readonly files?: FileSystem;
  readonly store?: SessionStore;
  /** Where sessions are already, or another server has them: the test's own to remove. */
  readonly place?: TestPlace;
}

/** A server for one test: it is closed, and what it kept is removed, when the test ends. */
export async function startTestServer(environment: Environment = {}, beneath?: Beneath): Promise<TestServer> {
  const server = await bootTestServer(environment, beneath);
  running.add(server);
  return server;
}

/** A server to be closed by its caller, started as main.ts does; for tests that leave nothing behind. */
export async function bootTestServer(
  environment: Environment = {},
  beneath: Beneath = {},
): Promise<TestServer> {
  const place = beneath.place ?? (await makePlace());
  const told = { PORT: '0', LOG_LEVEL: 'silent', HTTP_ADAPTER, ...place.environment, ...environment };
  const config = readConfig(told);
  const logger = createLogger(config.logLevel);
  const options = { logger: new NestLog(logger), bodyParser: false, abortOnError: false };
  const store = await storeBeneath(beneath, config.dataSessionsPath);
  const module = store ? SessionModule.forRoot({ store }) : appModule(config);
  const app = await NestFactory.create(module, await loadAdapter(config.httpAdapter), options);
  expect(app.getHttpAdapter().getType()).toBe(told.HTTP_ADAPTER);
  setUpApp(app, config, logger);
  await app.listen(config.port, config.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async () => {
    await app.close();
    await store?.close();
    if (!beneath.place) await place.remove();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    place,
    app,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** The store that the server is handed; `undefined` where it opens the one that it is told of, as a user's does. */
async function storeBeneath({ store, files }: Beneath, path: string): Promise<SessionStore | undefined> {
  if (files) return FileStore.open({ path, files });
  return store ?? (STORE === 'memory' ? new MemoryStore() : undefined);
}

/** One request. A string or bytes go as they are, anything else as JSON. */
export async function send(
  server: TestServer,
  method: string,
  path: string,
  content?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const raw = typeof content === 'string' || content instanceof Uint8Array;
  const body = raw ? Buffer.from(content) : content === undefined ? undefined : toJson(content);
  const type = body && { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}${path}`, {
    method,
    body,
    headers: Object.fromEntries(Object.entries({ ...type, ...headers }).filter(([, value]) => value !== '')),
  });
  const text = await response.text();
  expectNothingOfTheInside(server, response, text);
  const json = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json && text ? JSON.parse(text) : undefined,
  };
}

/** Sends bytes as they are, on a connection of their own: what comes back until the server closes it. */
export async function exchange({ url }: TestServer, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes, 'latin1');
  return textOf(socket);
}

const toJson = (content: unknown) => Buffer.from(JSON.stringify(content));

function expectNothingOfTheInside(server: TestServer, response: Response, text: string): void {
  expect(response.headers.get('x-request-id')).toMatch(/^[\w.-]{1,64}$/);
  expect(response.headers.get('x-powered-by')).toBeNull();
  if (text && !response.headers.get('content-type')?.startsWith('text/html')) {
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  }
  if (response.status < 400) return;
  expect(Object.keys(JSON.parse(text || '{}'))).toEqual(['detail']);
  expect(text).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.[jt]s\b/);
  for (const secret of [...server.place.secrets, process.cwd()]) expect(text).not.toContain(secret);
}

/** The store beneath a server, for tests that need sessions of another day than today. */
export function storeOf(server: TestServer): SessionStore {
  return server.app.get(SessionStore, { strict: false });
}

/** A new session, as the answer of the create route. */
export async function create(server: TestServer, request: object = {}): Promise<Json> {
  const answer = await send(server, 'POST', '/session/create', request);
  expect(answer.status).toBe(200);
  return answer.body;
}

/** A report of progress that has to succeed. */
export async function patch(server: TestServer, id: string, report: object): Promise<Answer> {
  const answer = await send(server, 'PATCH', `/session/${id}`, report);
  expect(answer).toMatchObject({ status: 200 });
  return answer;
}

/** The audit's `data`: the whole metadata document. */
export async function documentOf(server: TestServer, id: string): Promise<Json> {
  return (await send(server, 'GET', `/session/${id}/audit`)).body.data;
}

/** The lines of a session's log, as they are stored. */
export async function storedLines(server: TestServer, id: string): Promise<string[]> {
  return (await server.place.log(id)).split('\n').slice(0, -1);
}

/** A component's error, as the Python component's `to_dict()` gave it. */
export const componentError = (error: string, details: object): Json => ({
  detail: { error, message: expect.stringMatching(/^[^\p{Cc}]+$/u), component: 'session', details },
});

/** One fault of an input in FastAPI's shape: nothing but its kind, its place and a sentence. */
export const fault = (type: string, ...loc: (string | number)[]): Json => ({
  type,
  loc,
  msg: expect.stringMatching(/^[^\p{Cc}]+$/u),
});

/** What has no ETag is not of any revision: it is sent whole, whichever the client says that it has. */
export async function expectNever304(server: TestServer, path: string): Promise<void> {
  for (const tag of ['*', '"0"', '"2"']) {
    // Not by fetch, which would add a Cache-Control that has Express look no further.
    const head = ['Host: a', `If-None-Match: ${tag}`, 'Connection: close'].join('\r\n');
    const answer = await exchange(server, `GET ${path} HTTP/1.1\r\n${head}\r\n\r\n`);
    const [answered, body] = answer.split('\r\n\r\n');
    expect([answered?.slice(0, 12), body?.[0]]).toEqual(['HTTP/1.1 200', '{']);
    expect(answered).not.toMatch(/^etag:/im);
  }
}

/** The request (`:id` is a session's) is answered so, and left nothing: no event and no session. */
export async function expectRefusal(
  server: TestServer,
  [method, path, content, headers]: readonly [string, string, unknown?, Record<string, string>?],
  status: number,
  body: Json,
): Promise<Answer> {
  const { session_id } = await create(server);
  await patch(server, session_id, { labels: { team: 'payments' } });
  const lines = await storedLines(server, session_id);
  const count = await countOf(server);
  const answer = await send(server, method, path.replace(':id', session_id), content, headers);
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body });
  expect(await storedLines(server, session_id)).toEqual(lines);
  expect(await countOf(server)).toBe(count);
  return answer;
}

const countOf = async (server: TestServer) => (await send(server, 'GET', '/session/list')).body.total;
