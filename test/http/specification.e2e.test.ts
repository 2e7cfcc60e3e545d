/**
 * The three routes of the specification: what a client that was written against the Python component sends and
 * reads, answer by answer and as a whole.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bootTestServer, create, patch, send, storedLines, type TestServer } from './test-server.js';

const ID = /^sess_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})_[0-9a-f]{6}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

let server: TestServer;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());

describe('POST /session/create', () => {
  test('answers 200 with the session and nothing else, in the order of the specification', async () => {
    const before = Date.now();
    const answer = await send(server, 'POST', '/session/create', { user_id: 'developer@example.com' });
    expect(answer.status).toBe(200);
    const { session_id, created_at, audit_path } = answer.body;
    expect(Object.keys(answer.body)).toEqual(['session_id', 'created_at', 'status', 'audit_path', 'user_id']);
    expect(answer.body).toEqual({
      session_id: expect.stringMatching(ID),
      created_at: expect.stringMatching(TIME),
      status: 'created',
      audit_path,
      user_id: 'developer@example.com',
    });
    const [, year, month, day, hour, minute, second] = ID.exec(session_id) as RegExpExecArray;
    expect(created_at.slice(0, 19)).toBe(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
    expect(audit_path).toBe(await server.place.auditPath(session_id));
    expect(Date.parse(created_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(created_at)).toBeLessThanOrEqual(Date.now());
  });

  test.each([
    ['{"user_id":null}', { user_id: null }],
    ['{}', {}],
    ['an empty body', ''],
    ['no body', undefined],
    [
      'members that the specification does not know',
      { colour: 'blue', status: 'completed', audit_path: '/' },
    ],
    ['a body of spaces around an object', ' {\n} '],
  ])('takes %s for a session of nobody', async (_what, body) => {
    const answer = await send(server, 'POST', '/session/create', body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'created', user_id: null });
    const [opening] = (await storedLines(server, answer.body.session_id)).map((line) => JSON.parse(line));
    expect(opening.data).toEqual({ user_id: null, status: 'created', labels: {} });
  });

  test.each([
    ['application/json; charset=utf-8'],
    ['application/json;charset="UTF-8"'],
    ['application/vnd.api+json'],
    ['APPLICATION/JSON'],
    ['none, as FastAPI does'],
  ])('takes JSON of the content type %s', async (type) => {
    const headers = { 'content-type': type.startsWith('none') ? '' : type };
    const answer = await send(server, 'POST', '/session/create', '{"user_id":"ö"}', headers);
    expect(answer).toMatchObject({ status: 200, body: { user_id: 'ö' } });
  });

  test('takes labels', async () => {
    const { session_id } = await create(server, { labels: { team: 'payments', 'repo.name': '' } });
    const { body } = await send(server, 'GET', `/session/${session_id}/audit`);
    expect(body.data.labels).toEqual({ team: 'payments', 'repo.name': '' });
  });
});

describe('GET /session/{session_id}', () => {
  test('answers exactly what create answered', async () => {
    const created = await send(server, 'POST', '/session/create', { user_id: 'a' });
    const got = await send(server, 'GET', `/session/${created.body.session_id}`);
    expect(got.status).toBe(200);
    expect(got.text).toBe(created.text);
  });

  test('answers HEAD with the headers of GET and no body', async () => {
    const { session_id } = await create(server);
    const got = await send(server, 'GET', `/session/${session_id}`);
    const head = await send(server, 'HEAD', `/session/${session_id}`);
    expect(head).toMatchObject({ status: 200, text: '' });
    for (const name of ['etag', 'content-type', 'content-length']) {
      expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
  });
});

describe('GET /session/{session_id}/audit', () => {
  test('answers the whole trail, in the order of the specification', async () => {
    const { session_id, created_at } = await create(server, { user_id: 'a', labels: { team: 'x' } });
    await patch(server, session_id, {
      status: 'requirement_submitted',
      steps_completed: ['requirement_submitted', 'matches_selected'],
      timing: { search_ms: 1250, modules_ms: 3200 },
      outputs: { search: { matches: [1, null, 'ö'] } },
    });
    const { status, body } = await send(server, 'GET', `/session/${session_id}/audit`);
    const last = JSON.parse((await storedLines(server, session_id)).at(-1) as string);
    const common = {
      session_id,
      created_at,
      status: 'requirement_submitted',
      steps_completed: ['requirement_submitted', 'matches_selected'],
      timing: { search_ms: 1250, modules_ms: 3200 },
    };
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([...Object.keys(common), 'data']);
    expect(body).toEqual({
      ...common,
      data: {
        ...common,
        user_id: 'a',
        labels: { team: 'x' },
        outputs: { search: { matches: [1, null, 'ö'] } },
        error: null,
        updated_at: last.at,
        revision: 7,
        head: last.hash,
      },
    });
  });
});

test.each(['/session/sess_20240115_103045_a1b2c3', '/session/sess_20240115_103045_a1b2c3/audit'])(
  'GET %s, an id that nobody has, is the error of the Python component',
  async (path) => {
    const id = 'sess_20240115_103045_a1b2c3';
    const answer = await send(server, 'GET', path);
    expect(answer.status).toBe(404);
    expect(answer.text).toBe(
      JSON.stringify({
        detail: {
          error: 'SessionNotFoundError',
          message: `Session ${id} not found`,
          component: 'session',
          details: { session_id: id },
        },
      }),
    );
  },
);

test('a request id of the caller comes back; one that is no plain word is replaced', async () => {
  const own = await send(server, 'GET', '/session/list', undefined, { 'x-request-id': 'job-17.a' });
  expect(own.headers.get('x-request-id')).toBe('job-17.a');
  const odd = await send(server, 'GET', '/session/list', undefined, { 'x-request-id': 'a b' });
  expect(odd.headers.get('x-request-id')).not.toBe('a b');
});
