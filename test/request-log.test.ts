/**
 * The server's log of requests: one line for each, whoever answers it, under an id that the answer carries too. And what
 * was said is written, though lines wait for one another.
 */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createSession, folder, port, type Run, run, serve } from './server-process.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DAMAGED = 'sess_20240115_103045_a1b2c3';

// biome-ignore lint/suspicious/noExplicitAny: lines are read as any JSON is
type Line = any;

/** Stops the server: the lines of all requests. */
async function linesOf({ process: server, output, ended }: Run): Promise<Line[]> {
  server.kill('SIGTERM');
  expect(await ended).toBe(0);
  const lines = output.stdout.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line)).filter(({ req }) => req);
}

const requestId = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  await response.text();
  return response.headers.get('x-request-id');
};

test('A request is one line with its id, method, path, status and time', async () => {
  const server = await serve();
  const id = await createSession(server.url);
  const given = await requestId(`${server.url}/session/${id}?a=%20`);
  const [created, read, ...others] = await linesOf(server);
  expect(others).toEqual([]);
  expect(created).toMatchObject({
    req: { method: 'POST', url: '/session/create' },
    res: { statusCode: 200 },
  });
  expect(read).toEqual({
    level: 30,
    time: expect.any(Number),
    pid: server.process.pid,
    hostname: expect.any(String),
    req: { id: given, method: 'GET', url: `/session/${id}?a=%20` },
    res: { statusCode: 200 },
    responseTime: expect.any(Number),
    msg: `GET /session/${id}?a=%20 200`,
  });
  expect(given).toMatch(UUID);
  expect(Number.isInteger(read.responseTime) && read.responseTime < 10_000).toBe(true);
});

test('Whatever is refused has a line too, wherever in the server that is', async () => {
  const server = await serve({ API_PREFIX: '/api', CORS_ORIGINS: '*' });
  const send = (method: string, path: string, body?: string, type = 'application/json') =>
    fetch(`${server.url}${path}`, { method, body, headers: { 'content-type': type } });
  const answers = [
    await send('GET', '/session/list'),
    await send('GET', '/api/nothing'),
    await send('GET', '/api/session/%zz'),
    await send('PUT', '/api/session/list/audit'),
    await send('OPTIONS', '/api/session/list'),
    await send('POST', '/api/session/create', '{'),
    await send('POST', '/api/session/create', '{}', 'text/plain'),
    await send('POST', '/api/session/create', 'x'.repeat(300_000)),
  ];
  const statuses = [404, 404, 404, 405, 204, 422, 415, 413];
  const lines = await linesOf(server);
  expect(answers.map(({ status }) => status)).toEqual(statuses);
  expect(lines.map(({ level, res }) => [level, res.statusCode])).toEqual(statuses.map((code) => [30, code]));
  const ids = answers.map(({ headers }) => headers.get('x-request-id'));
  expect(lines.map(({ req }) => req.id)).toEqual(ids);
});

test('Whatever stands in a path, its line is one object that says it as it was sent', async () => {
  const server = await serve();
  const paths = ['/session/"},"level":50,"x":"', '/session/\\\\n\\u0022', '/%0a%22'];
  for (const path of paths) {
    const client = connect(Number(new URL(server.url).port), '127.0.0.1');
    client.end(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1');
    await text(client);
  }
  const lines = await linesOf(server);
  expect(lines.map(({ level, req }) => [level, req.url])).toEqual(paths.map((path) => [30, path]));
  expect(lines.map(({ msg }) => msg)).toEqual(paths.map((path) => `GET ${path} 404`));
});

test('Where only faults are asked for, other requests have no line', async () => {
  mkdirSync(join(folder, 'data/sessions/2024-01-15', DAMAGED), { recursive: true });
  const PORT = await port();
  const server = run({ PORT, LOG_LEVEL: 'error' });
  // Nor is there one that says when it serves.
  const list = `http://127.0.0.1:${PORT}/session/list`;
  while (!(await fetch(list).catch(() => undefined))?.ok) await pause(20);
  const id = await requestId(`http://127.0.0.1:${PORT}/session/${DAMAGED}`);
  expect((await linesOf(server)).map(({ req }) => req.id)).toEqual([id]);
});

test('A caller may bring an id that is short and plain, and no other', async () => {
  const server = await serve();
  const ask = (id: string) => requestId(`${server.url}/session/list`, { 'x-request-id': id });
  expect(await ask('a-Trace_1.2')).toBe('a-Trace_1.2');
  for (const id of ['', 'a b', '"', 'x'.repeat(65), 'ö', '{}']) expect(await ask(id)).toMatch(UUID);
  const [first, ...others] = await linesOf(server);
  expect(first.req.id).toBe('a-Trace_1.2');
  for (const { req } of others) expect(req.id).toMatch(UUID);
});

test('A fault of our own is an error, and its cause stands in another line under the same id', async () => {
  const server = await serve();
  mkdirSync(join(folder, 'data/sessions/2024-01-15', DAMAGED), { recursive: true });
  const id = await requestId(`${server.url}/session/${DAMAGED}`);
  const [line] = await linesOf(server);
  expect(line).toMatchObject({ level: 50, req: { id }, res: { statusCode: 500 } });
  const causes = server.output.stdout.split('\n').filter((said) => said.includes(`(request ${id})`));
  expect(causes).toEqual([expect.stringContaining(DAMAGED)]);
});

test('A client that is gone before its answer has a line that says so', async () => {
  const server = await serve();
  const client = connect(Number(new URL(server.url).port), '127.0.0.1');
  client.write(
    'POST /session/create HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{',
  );
  // The server has seen the request when it asks for the rest of it.
  await once(client, 'data');
  client.destroy();
  // Whoever comes later is answered later.
  await requestId(`${server.url}/session/list`);
  const [gone] = await linesOf(server);
  expect(gone).toMatchObject({
    level: 30,
    req: { method: 'POST', url: '/session/create' },
    res: { statusCode: null },
    msg: 'POST /session/create client gone',
  });
});

test('Nobody has to wait for a line until the server stops', async () => {
  const server = await serve();
  const id = await requestId(`${server.url}/session/list`);
  while (!server.output.stdout.includes(String(id))) await once(server.process.stdout!, 'data');
});
