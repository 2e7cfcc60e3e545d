/**
 * Requests that are no common ones, byte by byte: what is no HTTP is refused as everything else is, and what nobody
 * has to send is not passed over where it counts, and is where it does not.
 */

import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bootTestServer, create, exchange, type Json, type TestServer } from './test-server.js';

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await bootTestServer();
  id = (await create(server)).session_id;
});
afterAll(() => server.close());

const http = () => server.app.getHttpServer() as Server;

interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** The answers to requests that were sent one behind another. */
function heard(bytes: string): Heard[] {
  return bytes.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const [status, ...lines] = head.split('\r\n');
    const headers = lines.map((line) => line.split(': ') as [string, string]);
    return {
      status: Number(status?.split(' ')[1]),
      headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
      body: JSON.parse(body),
    };
  });
}
const ask = async (bytes: string) => heard(await exchange(server, bytes));

const request = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: a', ...headers, '', body].join('\r\n');
const LAST = 'Connection: close';

describe('what Node would refuse without a body is', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'Bad Request'],
    ['a header that is none', request('GET /session/list', ['a b: c']), 400, 'Bad Request'],
    ['a method that is none', request('FETCH /session/list'), 400, 'Bad Request'],
    ['no host', 'GET /session/list HTTP/1.1\r\n\r\n', 400, 'Bad Request'],
    [
      'a head that is too large',
      request('GET /session/list', [`a: ${'b'.repeat(17_000)}`]),
      431,
      'Request Header Fields Too Large',
    ],
    [
      'too much beside a chunk',
      request('POST /session/create', ['Transfer-Encoding: chunked'], `1;${'x'.repeat(17_000)}\r\n{\r\n`),
      413,
      'Request Entity Too Large',
    ],
    [
      'an expectation that cannot be met',
      request('POST /session/create', ['Expect: a-miracle', LAST]),
      417,
      'Expectation Failed',
    ],
  ])('%s', async (_what, bytes, status, detail) => {
    const [answer, ...others] = await ask(bytes);
    expect(others).toEqual([]);
    expect(answer).toMatchObject({ status, body: { detail } });
    expect(answer?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(JSON.stringify({ detail }).length),
      connection: 'close',
    });
  });

  /** A connection, from both ends. */
  async function connection(): Promise<[Socket, Socket]> {
    const accepted = once(http(), 'connection');
    const client = connect(Number(new URL(server.url).port), '127.0.0.1');
    client.setTimeout(5_000, () => client.destroy());
    const [socket] = (await accepted) as [Socket];
    return [client, socket];
  }
  // Node looks for it twice a minute only.
  const timeout = () => Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

  test('a request that takes too long', async () => {
    const [client, socket] = await connection();
    http().emit('clientError', timeout(), socket);
    expect(heard(await text(client))).toMatchObject([{ status: 408, body: { detail: 'Request Timeout' } }]);
  });

  test('but not in the middle of another answer', async () => {
    const [client, socket] = await connection();
    const handlers = http().rawListeners('request') as RequestListener[];
    http().removeAllListeners('request');
    http().once('request', (_request, response) =>
      response.writeHead(200, { 'content-length': 9 }).write('{'),
    );
    client.write(request('GET /session/list'));
    const [begun] = await once(client, 'data');
    for (const handler of handlers) http().on('request', handler);
    http().emit('clientError', timeout(), socket);
    expect(String(begun) + (await text(client))).toMatch(/^HTTP\/1\.1 200 OK\r\n[^{]+\{$/);
  });
});

test('what Node leaves to us has an id like any other request, and its connection goes on', async () => {
  const unmet = request('POST /session/create', [
    'Expect: a-miracle',
    'Content-Length: 0',
    'x-request-id: mine',
  ]);
  const answers = await ask(unmet + request('GET /session/list', [LAST]));
  expect(answers.map(({ status }) => status)).toEqual([417, 200]);
  expect(answers[0]?.headers).toMatchObject({ 'x-request-id': 'mine' });
});

test('HTTP/1.0 knows neither hosts nor expectations', async () => {
  const [answer] = await ask('GET /session/list HTTP/1.0\r\nExpect: a-miracle\r\n\r\n');
  expect(answer).toMatchObject({ status: 200 });
});

describe.each(['GET', 'HEAD'])('the body of a %s', (method) => {
  test.each([
    ['of another type', 'Content-Type: text/plain', '{}'],
    ['that is no JSON', 'Content-Type: application/json', '{'],
    ['that is encoded', 'Content-Encoding: gzip', 'x'],
    ['that is too large', 'Content-Type: application/json', 'x'.repeat(300_000)],
  ])('is nobody’s affair: one %s', async (_what, header, body) => {
    const first = request(`${method} /session/${id}`, [header, `Content-Length: ${body.length}`], body);
    const answers = await exchange(server, first + request(`GET /session/${id}/audit`, [LAST]));
    expect(answers.match(/HTTP\/1\.1 \d{3} /g)).toEqual(['HTTP/1.1 200 ', 'HTTP/1.1 200 ']);
  });
});

describe('however much stands before it, what counts is seen:', () => {
  test('a parameter after a thousand', async () => {
    const [answer] = await ask(request(`GET /session/list?${'a&'.repeat(1_000)}limit=0`, [LAST]));
    expect(answer).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', 'limit'] }] } });
  });

  test('a header after two thousand', async () => {
    const headers = [...Array.from({ length: 2_000 }, () => 'a:'), 'If-Match: "99"', LAST];
    const [answer] = await ask(request(`PATCH /session/${id}`, headers));
    expect(answer).toMatchObject({ status: 412 });
  });
});
