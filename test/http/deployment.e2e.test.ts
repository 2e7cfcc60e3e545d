/**
 * The server as an operator configures it: under a prefix, for a web page of another origin, and without a word about
 * what it is made of.
 */

import { describe, expect, test } from '@jest/globals';
import { create, exchange, send, startTestServer, type TestServer } from './test-server.js';

const PAGE = 'https://app.example.com';

describe('with API_PREFIX=/api/v1', () => {
  test('every route is under the prefix, the description of them too', async () => {
    const server = await startTestServer({ API_PREFIX: '/api/v1' });
    const created = await send(server, 'POST', '/api/v1/session/create', {});
    expect(created.status).toBe(200);
    const id = created.body.session_id;
    const paths = [`${id}`, `${id}/audit`, `${id}/events`, 'list'].map((path) => `/api/v1/session/${path}`);
    for (const path of [...paths, '/api/v1/docs', '/api/v1/docs-json']) {
      expect([path, (await send(server, 'GET', path)).status]).toEqual([path, 200]);
    }
    const { body } = await send(server, 'GET', '/api/v1/docs-json');
    for (const path of Object.keys(body.paths)) expect(path).toMatch(/^\/api\/v1\/session(\/|$)/);
  });

  test('nothing is outside of it', async () => {
    const server = await startTestServer({ API_PREFIX: '/api/v1' });
    for (const [method, path] of [
      ['POST', '/session/create'],
      ['GET', '/session/list'],
      ['GET', '/session/sess_20240115_103045_a1b2c3'],
      ['GET', '/docs'],
      ['GET', '/docs-json'],
      ['GET', '/api/v1'],
      ['GET', '/api/session/list'],
      ['GET', '/api/v1/nothing'],
    ] as const) {
      const { status, body } = await send(server, method, path);
      expect([path, status, body]).toEqual([path, 404, { detail: 'Not Found' }]);
    }
  });

  test.each([
    ['GET http://a/api/v1/session/list', 200],
    ['GET HTTPS://a:1/api/v1/session/list?limit=1', 200],
    ['GET http://a/session/list', 404],
    ['GET http://a/api/v1', 404],
    ['POST http://a/api/v1/docs', 405],
    ['GET http://a/api/v1/docs/../session/list', 404],
  ])('a whole address is understood: %s', async (line, status) => {
    const server = await startTestServer({ API_PREFIX: '/api/v1' });
    const answer = await exchange(server, `${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('a wrong method is told there as well', async () => {
    const server = await startTestServer({ API_PREFIX: '/api/v1' });
    const { status, headers } = await send(server, 'DELETE', '/api/v1/session/list/audit');
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const docs = await send(server, 'POST', '/api/v1/docs-json');
    expect([docs.status, docs.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

const preflight = async (server: TestServer, origin: string, method: string) => {
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'content-type,if-match',
  };
  return fetch(`${server.url}/session/create`, { method: 'OPTIONS', headers });
};

describe('with CORS_ORIGINS', () => {
  test.each(['POST', 'PATCH', 'GET'])('a page of a listed origin may %s', async (method) => {
    const server = await startTestServer({ CORS_ORIGINS: `${PAGE}, http://localhost:3000` });
    const { status, headers } = await preflight(server, PAGE, method);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-methods')).toContain(method);
    expect(headers.get('access-control-allow-headers')).toBe('content-type,if-match');
  });

  test.each([
    'https://evil.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    `${PAGE}.evil.com`,
    'null',
  ])('a page of %s may not', async (origin) => {
    const server = await startTestServer({ CORS_ORIGINS: `${PAGE}, http://localhost:3000` });
    expect((await preflight(server, origin, 'POST')).headers.get('access-control-allow-origin')).toBeNull();
    const { headers } = await send(server, 'GET', '/session/list', undefined, { origin });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a page reads the ETag, the time to come back and the request id, also of an error', async () => {
    const server = await startTestServer({ CORS_ORIGINS: PAGE });
    const { session_id } = await create(server);
    for (const path of [`/session/${session_id}`, '/session/sess_20240115_103045_a1b2c3', '/nothing']) {
      const { headers } = await send(server, 'GET', path, undefined, { origin: PAGE });
      expect(headers.get('access-control-allow-origin')).toBe(PAGE);
      const exposed = headers.get('access-control-expose-headers')?.toLowerCase().split(',');
      expect(exposed).toEqual(expect.arrayContaining(['etag', 'retry-after', 'x-request-id']));
      expect(headers.get('vary')).toContain('Origin');
    }
  });

  test('the body that is refused is refused readably', async () => {
    const server = await startTestServer({ CORS_ORIGINS: PAGE });
    const { status, headers } = await send(server, 'POST', '/session/create', '{', { origin: PAGE });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([422, PAGE]);
  });

  test('* lets every page read', async () => {
    const server = await startTestServer({ CORS_ORIGINS: '*' });
    const { headers } = await preflight(server, 'https://anybody.example.com', 'PATCH');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });
});

test('without CORS_ORIGINS no page of another origin may do anything', async () => {
  const server = await startTestServer();
  const { headers } = await send(server, 'GET', '/session/list', undefined, { origin: PAGE });
  expect(headers.get('access-control-allow-origin')).toBeNull();
  expect((await preflight(server, PAGE, 'POST')).headers.get('access-control-allow-origin')).toBeNull();
});

test('no answer names what the server is made of', async () => {
  const server = await startTestServer();
  for (const path of ['/docs', '/docs-json', '/session/list', '/nothing', '/session/%zz']) {
    const { headers } = await send(server, 'GET', path);
    expect([...headers.keys()].filter((name) => /powered|^server$|express|nest/.test(name))).toEqual([]);
    expect(JSON.stringify([...headers.values()])).not.toMatch(/express|nest|node/i);
  }
});
