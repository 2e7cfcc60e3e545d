/**
 * The routes' own description: that it names every route, every error and every member as the server really answers
 * them, so that a client made from it fits.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { IdempotencyKeyInUseError } from '../../src/session/index.js';
import { bootTestServer, create, type Json, patch, send, storeOf, type TestServer } from './test-server.js';

const ID = 'sess_20240115_103045_a1b2c3';

let server: TestServer;
let document: Json;
let id: string;
beforeAll(async () => {
  server = await bootTestServer();
  document = (await send(server, 'GET', '/docs-json')).body;
  id = (await create(server)).session_id;
  await patch(server, id, { status: 'requirement_submitted', timing: { a_ms: 1 } });
});
afterAll(() => server.close());

const operation = (method: string, path: string): Json => document.paths[path][method.toLowerCase()];
const resolved = (schema: Json): Json =>
  schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema;
const answerSchema = (method: string, path: string, status = 200): Json =>
  resolved(operation(method, path).responses[status].content['application/json'].schema);

const routes = [
  ['POST', '/session/create', [409, 413, 415, 422, 500, 503]],
  ['GET', '/session', [422, 500, 503]],
  ['GET', '/session/list', [422, 500, 503]],
  ['GET', '/session/stats', [422, 500, 503]],
  ['GET', '/session/{session_id}', [304, 404, 500, 503]],
  ['PATCH', '/session/{session_id}', [404, 409, 412, 413, 415, 422, 500, 503]],
  ['GET', '/session/{session_id}/audit', [304, 404, 500, 503]],
  ['GET', '/session/{session_id}/events', [304, 404, 422, 500, 503]],
  ['GET', '/session/{session_id}/verify', [404, 500, 503]],
] as const;

test('the document names every route of the component, and no other', () => {
  const named = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(named.sort()).toEqual(routes.map(([method, path]) => `${method} ${path}`).sort());
});

test('the pages for people are HTML', async () => {
  const { status, headers, text } = await send(server, 'GET', '/docs');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/html/);
  expect(text).toContain('swagger-ui');
});

describe.each(routes)('%s %s', (method, path, others) => {
  test('says what it does, and gives an example', () => {
    const { summary, description, responses } = operation(method, path);
    expect(summary).toMatch(/^[A-Z].+/);
    expect(description).toMatch(/^.+\.$/);
    expect(JSON.stringify([responses, answerSchema(method, path)])).toContain('"example');
  });

  test('names every status that it can answer, each with a sentence and an example', () => {
    const { responses } = operation(method, path);
    expect(Object.keys(responses).map(Number)).toEqual([200, ...others].sort((a, b) => a - b));
    for (const status of others) {
      expect(responses[status].description).toMatch(/^.+\.$/);
      if (status === 304) continue;
      const { schema, examples } = responses[status].content['application/json'];
      expect(schema.required).toEqual(['detail']);
      expect(Object.keys(examples).length).toBeGreaterThan(0);
    }
  });
});

describe('the example of an error is what the server answers:', () => {
  const update = { method: 'PATCH', route: '/session/{session_id}' };
  const creation = { method: 'POST', route: '/session/create' };

  test.each<Json>([
    { status: 404, method: 'GET', route: '/session/{session_id}', path: `/session/${ID}` },
    { status: 409, ...update, content: { status: 'completed' } },
    { status: 412, ...update, content: { status: 'error' }, headers: { 'if-match': '"5"' } },
    { status: 413, ...creation, content: { x: 'x'.repeat(300_000) } },
    { status: 415, ...creation, content: '{}', headers: { 'content-type': 'text/plain' } },
    { status: 422, ...creation, content: { user_id: 1 } },
    { status: 422, ...creation, content: { user_id: 'a' }, headers: { 'idempotency-key': 'used' } },
    { status: 422, method: 'GET', route: '/session', path: '/session?order=oldest&cursor=CURSOR' },
  ])('$status', async ({ status, method, route, path = route, content, headers }) => {
    const { session_id } = await create(server);
    await send(server, 'POST', '/session/create', {}, { 'idempotency-key': 'used' });
    const { next_cursor } = (await send(server, 'GET', '/session?limit=1')).body;
    const asked = path.replace('{session_id}', session_id).replace('CURSOR', next_cursor);
    const answer = await send(server, method, asked, content, headers);
    expect(answer.status).toBe(status);
    const { examples } = operation(method, route).responses[status].content['application/json'];
    const values = Object.values<Json>(examples).map(({ value }) => value);
    // What differs from case to case is the ids and the revisions; all else is as the example says.
    const plain = (body: Json) =>
      JSON.stringify(body)
        .replaceAll(session_id, ID)
        .replace(/\b\d+\b/g, 'N');
    expect(values.map(plain)).toContain(plain(answer.body));
  });
});

test('only a session that is there can be full: of a creation, it is the body that is too large', () => {
  const { description, content } = operation('POST', '/session/create').responses[413];
  const values = Object.values<Json>(content['application/json'].examples).map(({ value }) => value);
  expect([description, values]).toEqual([
    'The body is over 256 KiB.',
    [{ detail: 'Request Entity Too Large' }],
  ]);
});

test('the example of a key in use is what the server answers', async () => {
  const store = storeOf(server);
  const { create: whole } = store;
  // Only now and then is one request met by another: here it is put in.
  store.create = () => Promise.reject(new IdempotencyKeyInUseError());
  const answer = await send(server, 'POST', '/session/create', {}, { 'idempotency-key': 'in use' });
  store.create = whole;
  const { examples } = operation('POST', '/session/create').responses[409].content['application/json'];
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([409, '1']);
  expect(Object.values<Json>(examples).map(({ value }) => value)).toEqual([answer.body]);
});

describe('the members of an answer are those of its schema, in the same order:', () => {
  /** But for what is only there while the store takes stock. */
  const namesOf = (schema: Json) =>
    Object.keys(resolved(schema).properties).filter((name) => name !== 'incomplete');

  test.each([
    ['POST', '/session/create'],
    ['GET', '/session'],
    ['GET', '/session/list'],
    ['GET', '/session/stats'],
    ['GET', '/session/{session_id}'],
    ['PATCH', '/session/{session_id}'],
    ['GET', '/session/{session_id}/audit'],
    ['GET', '/session/{session_id}/events'],
    ['GET', '/session/{session_id}/verify'],
  ])('%s %s', async (method, path) => {
    const content = method === 'GET' ? undefined : {};
    const { body } = await send(server, method, path.replace('{session_id}', id), content);
    const schema = answerSchema(method, path);
    expect(Object.keys(body)).toEqual(namesOf(schema));
    for (const name of ['sessions', 'events', 'by_day']) {
      if (!Array.isArray(body[name])) continue;
      expect(Object.keys(body[name][0])).toEqual(namesOf(schema.properties[name].items));
    }
    if (!body.timings) return;
    const { additionalProperties } = schema.properties.timings;
    expect(Object.keys(body.timings.a_ms)).toEqual(namesOf(additionalProperties));
  });

  test('and all of them are required: none is ever left out', () => {
    for (const [method, path] of routes) {
      const schema = answerSchema(method, path);
      expect([path, schema.required]).toEqual([path, namesOf(schema)]);
    }
  });
});

test('the inputs are described with the bounds that they have', () => {
  const { SessionCreateRequest, SessionUpdateRequest } = document.components.schemas;
  expect(Object.keys(SessionCreateRequest.properties)).toEqual(['user_id', 'labels']);
  expect(SessionCreateRequest.required).toBeUndefined();
  expect(SessionCreateRequest.properties.user_id).toMatchObject({
    type: 'string',
    nullable: true,
    maxLength: 256,
  });
  expect(Object.keys(SessionUpdateRequest.properties).sort()).toEqual(
    ['status', 'steps_completed', 'timing', 'outputs', 'labels', 'reason', 'error'].sort(),
  );
  const { parameters } = operation('GET', '/session/list');
  expect(parameters).toMatchObject([
    {
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
    },
    { name: 'offset', in: 'query', required: false, schema: { type: 'integer', minimum: 0, default: 0 } },
  ]);
});

describe('the parameters of a search are described', () => {
  const named = (path: string): Json[] =>
    [...operation('GET', path).parameters].sort((left, right) => (left.name < right.name ? -1 : 1));
  const filters = [
    { name: 'created_after', schema: { type: 'string', example: '2024-01-15' } },
    { name: 'created_before', schema: { type: 'string', example: '2024-01-16T00:00:00Z' } },
    {
      name: 'label.KEY',
      style: 'form',
      explode: true,
      schema: {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 1_024 },
        example: { 'label.team': 'payments' },
      },
    },
    { name: 'q', schema: { type: 'string', minLength: 1, maxLength: 256, example: 'export trail' } },
    {
      name: 'status',
      schema: { type: 'array', maxItems: 100, items: { type: 'string' }, example: ['created'] },
    },
    { name: 'user_id', schema: { type: 'string', maxLength: 256, example: 'developer@example.com' } },
  ];

  test.each([
    ['/session/stats', filters],
    [
      '/session',
      [
        ...filters.slice(0, 2),
        { name: 'cursor', schema: { type: 'string', example: expect.stringMatching(/^[\w-]+$/) } },
        filters[2],
        { name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 } },
        {
          name: 'order',
          schema: { type: 'string', enum: ['newest', 'oldest'], default: 'newest', example: 'newest' },
        },
        ...filters.slice(3),
      ],
    ],
  ])('by %s', (path, expected) => {
    expect(named(path)).toMatchObject(
      expected.map((parameter) => ({ in: 'query', required: false, ...(parameter as object) })),
    );
    expect(named(path)).toHaveLength(expected.length);
    for (const { name, description } of named(path).filter((parameter) => parameter.name !== 'limit'))
      expect([name, description]).toEqual([name, expect.stringMatching(/^.+\.$/)]);
  });

  test('and the key of a creation', () => {
    const { parameters } = operation('POST', '/session/create');
    expect(parameters).toMatchObject([
      { name: 'Idempotency-Key', in: 'header', required: false, schema: { minLength: 1, maxLength: 255 } },
    ]);
  });
});

test('no header is required, and none is described twice', () => {
  for (const [method, path] of routes) {
    const headers = (operation(method, path).parameters ?? []).filter(
      (parameter: { in: string }) => parameter.in === 'header',
    );
    const names = headers.map((header: { name: string }) => header.name.toLowerCase());
    expect([path, new Set(names).size]).toEqual([path, names.length]);
    expect(headers.filter((header: { required: boolean }) => header.required)).toEqual([]);
  }
});

test('an empty body is described as allowed where it is', () => {
  expect(operation('POST', '/session/create').requestBody.required).not.toBe(true);
});

test('the ETag is described on every answer that has one', () => {
  for (const [method, path] of routes) {
    const described = Object.keys(operation(method, path).responses[200].headers ?? {});
    const hasNone =
      ['/session', '/session/list', '/session/stats'].includes(path) || path.endsWith('/verify');
    expect([path, described]).toEqual([path, hasNone ? [] : ['ETag']]);
  }
});
