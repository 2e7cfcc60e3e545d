/**
 * Requests that are refused before their values matter: ids that are nobody's, bodies that are too large or no JSON,
 * methods and routes that there are not. Nothing is written by any of them.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SessionStore } from '../../src/session/index.js';
import {
  bootTestServer,
  componentError,
  create,
  expectRefusal,
  send,
  startTestServer,
  type TestServer,
} from './test-server.js';

const MAX_BODY = 256 * 1024;
const ID = 'sess_20240115_103045_a1b2c3';
const notFound = componentError('SessionNotFoundError', { session_id: expect.any(String) });

let server: TestServer;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());

describe('an id that no session has is not found', () => {
  test.each([
    ['unknown', ID],
    ['of 31 February', 'sess_20240231_103045_a1b2c3'],
    ['of month 13', 'sess_20241301_103045_a1b2c3'],
    ['of the 25th hour', 'sess_20240115_253045_a1b2c3'],
    ['in capitals', 'SESS_20240115_103045_A1B2C3'],
    ['too short', 'sess_20240115_103045_a1b2c'],
    ['followed by a line break', `${ID}%0a`],
    ['followed by a space', `${ID}%20`],
    ['a way up', '..%2f..%2f..%2fetc%2fpasswd'],
    ['a way up, backwards', '..%5c..%5cetc'],
    ['a way up that is encoded twice', '%252e%252e%252f'],
    ['a way into another folder', `2024-01-15%2f${ID}`],
    ['the folder of the store itself', '.store'],
    ['a NUL', '%00'],
    ['an id and a NUL', `${ID}%00.json`],
    ['very long', 'a'.repeat(5_000)],
    ['a name of JavaScript', '__proto__'],
    ['beyond ASCII', '%C3%B6%F0%9F%92%9A'],
    ['with escapes for a terminal', '%1b%5b31m'],
    ['with a pair of UTF-16 where it is cut off', `${'a'.repeat(127)}%F0%9F%92%9A`],
  ])('%s', async (_what, id) => {
    for (const [method, path] of [
      ['GET', `/session/${id}`],
      ['GET', `/session/${id}/audit`],
      ['GET', `/session/${id}/events`],
      ['PATCH', `/session/${id}`],
    ] as const) {
      const content = method === 'PATCH' ? { steps_completed: ['a'] } : undefined;
      const { status, body } = await send(server, method, path, content);
      expect({ status, body }).toEqual({ status: 404, body: notFound });
      expect(JSON.stringify(body)).not.toMatch(/\\ud[89a-f]/);
    }
  });

  test.each(['%', '%zz', '%ff', '%c3%28', '%E0%A4%A'])('one that cannot be decoded: %s', async (id) => {
    await expectRefusal(server, ['GET', `/session/${id}`], 404, { detail: 'Not Found' });
  });
});

test.each([
  ['GET', '/'],
  ['GET', '/sessions'],
  ['GET', '/session/:id/audit/more'],
  ['GET', '/session/:id/data'],
  ['GET', '/favicon.ico'],
  ['GET', '/%2e%2e%2fetc%2fpasswd'],
  ['GET', '//session//list'],
])('%s %s is a route that there is not', async (method, path) => {
  await expectRefusal(server, [method, path], 404, { detail: 'Not Found' });
});

test.each([
  ['POST', '/session/:id', ['GET', 'HEAD', 'PATCH']],
  ['PUT', '/session/:id', ['GET', 'HEAD', 'PATCH']],
  ['PATCH', '/session/:id/audit', ['GET', 'HEAD']],
  ['POST', '/session/:id/audit', ['GET', 'HEAD']],
  ['POST', '/session/:id/events', ['GET', 'HEAD']],
  ['DELETE', '/session/:id/events', ['GET', 'HEAD']],
  ['POST', '/session/:id/audit?a=1', ['GET', 'HEAD']],
  ['POST', '/session/:id/', ['GET', 'HEAD', 'PATCH']],
  ['POST', '/Session/List', ['GET', 'HEAD', 'PATCH']],
  ['POST', '/docs', ['GET', 'HEAD']],
  ['DELETE', '/docs/', ['GET', 'HEAD']],
  ['PUT', '/docs-json', ['GET', 'HEAD']],
  ['PATCH', '/docs-yaml?a=1', ['GET', 'HEAD']],
])('%s %s is not allowed, and Allow names what is', async (method, path, allowed) => {
  const { headers } = await expectRefusal(server, [method, path], 405, { detail: 'Method Not Allowed' });
  expect(headers.get('allow')?.split(', ')).toEqual(allowed);
});

test.each([
  ['POST', '/session', 'GET'],
  ['DELETE', '/session', 'GET'],
  ['POST', '/session/stats', 'GET'],
  ['PUT', '/session/create', 'POST'],
  ['POST', '/session/list', 'GET'],
])('%s %s is not allowed, and Allow has %s', async (method, path, allowed) => {
  const { headers } = await expectRefusal(server, [method, path], 405, { detail: 'Method Not Allowed' });
  expect(headers.get('allow')?.split(', ')).toContain(allowed);
});

const inRoutes = [
  ['POST', '/session/create'],
  ['PATCH', '/session/:id'],
] as const;

describe.each(inRoutes)('the body of %s %s', (method, path) => {
  const bodyOf = (bytes: number) => `{"unknown":"${'x'.repeat(bytes - 14)}"}`;

  test('may have 256 KiB', async () => {
    const { session_id } = await create(server);
    const answer = await send(server, method, path.replace(':id', session_id), bodyOf(MAX_BODY));
    expect(bodyOf(MAX_BODY)).toHaveLength(MAX_BODY);
    expect(answer.status).toBe(200);
  });

  test.each([
    'application/json;',
    'application/json;charset=utf-8;',
    'application/json; charset=utf8',
    'Application/JSON ; Charset="UTF-8"',
    'application/json; profile="x"',
    'application/json; charset=utf-8; v=1',
    'application/merge-patch+json',
  ])('may be %s', async (type) => {
    const { session_id } = await create(server);
    const { status } = await send(server, method, path.replace(':id', session_id), '{}', {
      'content-type': type,
    });
    expect(status).toBe(200);
  });

  test.each([MAX_BODY + 1, 8 * MAX_BODY])('may not have %d bytes', async (bytes) => {
    const plain = { detail: expect.stringMatching(/^[\w ]+ Too Large$/) };
    await expectRefusal(server, [method, path, bodyOf(bytes)], 413, plain);
  });

  test('may not have more than 256 KiB when its length is not told either', async () => {
    const { session_id } = await create(server);
    const chunks = new ReadableStream({
      start(controller) {
        for (const part of ['{"x":"', 'x'.repeat(MAX_BODY), '"}']) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    const init = { method, body: chunks, duplex: 'half', headers: { 'content-type': 'application/json' } };
    const answer = await fetch(`${server.url}${path.replace(':id', session_id)}`, init as RequestInit);
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { detail: expect.stringMatching(/^[\w ]+ Too Large$/) },
    ]);
  });

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/xml'],
    ['application/jsonp'],
    ['application/json; charset=iso-8859-1'],
    ['application/json; charset=utf-16'],
    ['application/json; v=1; charset=latin1'],
    ['text/json'],
    ['application/jsonx'],
    ['nonsense'],
  ])('may not be %s', async (type) => {
    const refused = [method, path, '{}', { 'content-type': type }] as const;
    await expectRefusal(server, refused, 415, { detail: 'Unsupported Media Type' });
  });

  test.each(['gzip', 'deflate', 'br', 'nonsense'])('may not be encoded as %s', async (encoding) => {
    const refused = [method, path, '{}', { 'content-encoding': encoding }] as const;
    await expectRefusal(server, refused, 415, { detail: 'Unsupported Media Type' });
  });
});

describe.each(inRoutes)('an answer to %s %s is short', (method, path) => {
  const long = 'k'.repeat(5_000);

  test.each([
    ['thousands of faults', `{"x":[${'1e999,'.repeat(40_000)}1]}`],
    ['thousands of faults under a long name', `{"${long}":[${'1e999,'.repeat(4_000)}1]}`],
    ['a very long label key', `{"labels":{"${'K'.repeat(200_000)}":1}}`],
    ['long names within one another', `{"${long}":`.repeat(31).concat('{"__proto__":1}', '}'.repeat(31))],
  ])('about %s', async (_what, content) => {
    const { text } = await expectRefusal(server, [method, path, content], 422, expect.anything());
    expect(text.length).toBeLessThan(64 * 1024);
  });
});

describe('a transition that the lifecycle does not allow', () => {
  test('is a conflict, whose details say what is allowed', async () => {
    const details = { from: 'created', to: 'completed', allowed: ['requirement_submitted', 'error'] };
    const refusal = componentError('InvalidSessionStateError', details);
    await expectRefusal(server, ['PATCH', '/session/:id', { status: 'completed' }], 409, refusal);
  });
});

describe('a stale If-Match', () => {
  test.each([
    ['"1"', 1],
    ['"3"', 3],
    ['"1", "7"', [1, 7]],
  ])('%s is a failed precondition, whose details have both revisions', async (ifMatch, expected) => {
    const refusal = componentError('SessionConflictError', { expected, actual: 2 });
    const report = { steps_completed: ['a'] };
    await expectRefusal(server, ['PATCH', '/session/:id', report, { 'if-match': ifMatch }], 412, refusal);
  });

  test.each(['2', 'W/"2"', '"two"', '"02"', '"2', '"", ""', '"2.0"', '"-1"', 'garbage', '"2e0"'])(
    'and one that is no ETag of the session fails: %s',
    async (ifMatch) => {
      const refusal = componentError(
        'SessionConflictError',
        expect.objectContaining({ actual: 2 }) as object,
      );
      const refused = ['PATCH', '/session/:id', { steps_completed: ['a'] }, { 'if-match': ifMatch }] as const;
      const { body } = await expectRefusal(server, refused, 412, refusal);
      if (!ifMatch.includes(',')) expect(body.detail.message).toMatch(/what was expected is no revision$/);
    },
  );
});

describe('when the inside fails', () => {
  test('what nobody foresaw is 500 without its message and without its stack', async () => {
    const server = await startTestServer();
    const { session_id } = await create(server);
    const store = server.app.get(SessionStore, { strict: false });
    // Foreseen faults have their own errors; an unforeseen one has to be put in.
    store.read = async () => {
      throw new Error(`password in ${server.place.secrets[0]}`);
    };
    const { status, text } = await send(server, 'GET', `/session/${session_id}`);
    expect([status, text]).toEqual([500, '{"detail":"Internal Server Error"}']);
  });

  test('a store that is closed is 503, with the time to come back and the outcome', async () => {
    const server = await startTestServer();
    const { session_id } = await create(server);
    await server.app.get(SessionStore, { strict: false }).close();
    for (const [method, path, report] of [
      ['POST', '/session/create', {}],
      ['GET', `/session/${session_id}`],
      ['PATCH', `/session/${session_id}`, { steps_completed: ['a'] }],
    ] as const) {
      const { status, headers, body } = await send(server, method, path, report);
      const unavailable = componentError('StoreUnavailableError', { outcome: 'not_applied' });
      expect({ status, body }).toEqual({ status: 503, body: unavailable });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});
