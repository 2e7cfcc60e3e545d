/**
 * Revisions over HTTP: the ETag of every answer about a session, reading again only what has changed, and writing
 * only to what one has seen.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  create,
  documentOf,
  expectNever304,
  patch,
  send,
  storedLines,
  type TestServer,
} from './test-server.js';

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  id = (await create(server)).session_id;
  await patch(server, id, { steps_completed: ['a'] });
});

const reads = ['/session/:id', '/session/:id/audit', '/session/:id/events'];
const read = (path: string, headers?: Record<string, string>) =>
  send(server, 'GET', path.replace(':id', id), undefined, headers);
const report = (headers: Record<string, string>) =>
  send(server, 'PATCH', `/session/${id}`, { steps_completed: ['b'] }, headers);

test('a new session has the ETag "1", and each event counts it up', async () => {
  const created = await send(server, 'POST', '/session/create', {});
  expect(created.headers.get('etag')).toBe('"1"');
  const changed = await patch(server, created.body.session_id, { steps_completed: ['a', 'b'] });
  expect(changed.headers.get('etag')).toBe('"3"');
});

test('the ETag is the revision that the audit shows', async () => {
  const { headers } = await read('/session/:id/audit');
  expect(headers.get('etag')).toBe(`"${(await documentOf(server, id)).revision}"`);
});

test('a list has no ETag: it is no session', async () => {
  const { headers } = await send(server, 'GET', '/session/list');
  expect(headers.get('etag')).toBeNull();
});

test.each(['/session', '/session/list', '/session/stats', '/session/:id/verify', '/docs-json'])(
  'what has no ETag is never 304: %s',
  (path) => expectNever304(server, path.replace(':id', id)),
);

test('neither has an error', async () => {
  const { headers } = await send(server, 'GET', '/session/sess_20240115_103045_a1b2c3');
  expect(headers.get('etag')).toBeNull();
});

describe.each(reads)('GET %s', (path) => {
  test('has the ETag of the session', async () => {
    expect((await read(path)).headers.get('etag')).toBe('"2"');
  });

  test.each(['"2"', 'W/"2"', '*', '"1", "2"', '"x",W/"2"', '"1" , "2" '])(
    'is 304 without a body for If-None-Match: %s',
    async (ifNoneMatch) => {
      const answer = await read(path, { 'if-none-match': ifNoneMatch });
      expect(answer).toMatchObject({ status: 304, text: '' });
      expect(answer.headers.get('etag')).toBe('"2"');
      expect(answer.headers.get('content-type')).toBeNull();
    },
  );

  test.each(['"1"', '2', '"3"', 'W/"1"', '"1", "3"', '"02"', 'nonsense', '"*"'])(
    'is 200 with a body for If-None-Match: %s',
    async (ifNoneMatch) => {
      const answer = await read(path, { 'if-none-match': ifNoneMatch });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe((await read(path)).text);
    },
  );

  test('is 200 again as soon as the session has changed', async () => {
    expect((await read(path, { 'if-none-match': '"2"' })).status).toBe(304);
    await patch(server, id, { steps_completed: ['b'] });
    const answer = await read(path, { 'if-none-match': '"2"' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"3"');
  });
});

describe('PATCH', () => {
  test.each(['"2"', '*', '"1", "2"', ' "2" ', '"x","2"'])('is applied for If-Match: %s', async (ifMatch) => {
    const answer = await report({ 'if-match': ifMatch });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"3"');
  });

  test.each(['"1"', '"3"', '"1", "3"', 'W/"2"', '2', 'garbage'])(
    'is 412 for If-Match: %s, and nothing is written',
    async (ifMatch) => {
      const lines = await storedLines(server, id);
      expect(await report({ 'if-match': ifMatch })).toMatchObject({ status: 412 });
      expect(await storedLines(server, id)).toEqual(lines);
    },
  );

  test('is never 304, whatever If-None-Match says', async () => {
    expect(await report({ 'if-none-match': '*' })).toMatchObject({ status: 200, body: { session_id: id } });
  });

  test('of two writers who have seen the same, the second is told', async () => {
    const both = await Promise.all([report({ 'if-match': '"2"' }), report({ 'if-match': '"2"' })]);
    // The second asks for what is true already; seen or not, it decided on a revision that is gone.
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });
});
