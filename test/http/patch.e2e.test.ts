/**
 * PATCH /session/{session_id}: what one report of progress makes true of a session, that it is applied as a whole or
 * not at all, and that sending it again is safe.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  create,
  documentOf,
  expectRefusal,
  fault,
  type Json,
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
  id = (await create(server, { user_id: 'developer@example.com' })).session_id;
});

const eventsOf = async () => (await storedLines(server, id)).slice(1).map((line) => JSON.parse(line));
const shortEventsOf = async () => (await eventsOf()).map(({ type, data }) => [type, data]);

describe('a report of', () => {
  test.each<[string, Json, Json, [string, Json][]]>([
    [
      'a status',
      { status: 'requirement_submitted' },
      { status: 'requirement_submitted' },
      [['status_changed', { from: 'created', to: 'requirement_submitted' }]],
    ],
    [
      'steps, one of them twice',
      { steps_completed: ['b', 'a', 'b'] },
      { steps_completed: ['b', 'a'] },
      [
        ['step_completed', { step: 'b' }],
        ['step_completed', { step: 'a' }],
      ],
    ],
    [
      'a timing',
      { timing: { search_ms: 1250 } },
      { timing: { search_ms: 1250 } },
      [['timing_recorded', { name: 'search_ms', ms: 1250 }]],
    ],
    [
      'an output',
      { outputs: { search: { matches: [1, 'ö', null, true, 0.5] } } },
      { outputs: { search: { matches: [1, 'ö', null, true, 0.5] } } },
      [['output_recorded', { name: 'search', value: { matches: [1, 'ö', null, true, 0.5] } }]],
    ],
    [
      'labels',
      { labels: { team: 'payments' } },
      { labels: { team: 'payments' } },
      [['labels_changed', { labels: { team: 'payments' } }]],
    ],
    [
      'an error as a message',
      { status: 'error', error: 'no answer' },
      {
        status: 'error',
        error: { error: 'Error', message: 'no answer', component: null, details: {} },
      },
      [
        [
          'status_changed',
          {
            from: 'created',
            to: 'error',
            error: { error: 'Error', message: 'no answer', component: null, details: {} },
          },
        ],
      ],
    ],
    [
      'an error as the Python component gives it',
      {
        status: 'error',
        error: { error: 'LLMError', message: 'late', component: 'effort', details: { seconds: 30 } },
      },
      {
        status: 'error',
        error: { error: 'LLMError', message: 'late', component: 'effort', details: { seconds: 30 } },
      },
      [
        [
          'status_changed',
          {
            from: 'created',
            to: 'error',
            error: { error: 'LLMError', message: 'late', component: 'effort', details: { seconds: 30 } },
          },
        ],
      ],
    ],
    [
      'a status with its reason',
      { status: 'error', reason: 'nightly run\nsecond line' },
      { status: 'error', error: null },
      [['status_changed', { from: 'created', to: 'error', reason: 'nightly run\nsecond line' }]],
    ],
  ])('%s is in the session and in its trail', async (_what, report, expected, events) => {
    const { body } = await patch(server, id, report);
    expect(Object.keys(body)).toEqual(['session_id', 'created_at', 'status', 'audit_path', 'user_id']);
    expect(body).toEqual((await send(server, 'GET', `/session/${id}`)).body);
    expect(await documentOf(server, id)).toMatchObject({ ...expected, revision: 1 + events.length });
    const many = events.length > 1;
    const numbered = events.map(([type, data], part) => [
      type,
      many ? { ...data, part: expect.any(Number), parts: events.length } : data,
      part,
    ]);
    expect(await shortEventsOf()).toEqual(numbered.map(([type, data]) => [type, data]));
  });

  test.each([
    ['nothing', {}],
    ['no body at all', undefined],
    [
      'nulls',
      { status: null, steps_completed: null, timing: null, outputs: null, labels: null, error: null },
    ],
    ['empty lists and objects', { steps_completed: [], timing: {}, outputs: {}, labels: {} }],
    ['members that nobody knows', { progress: 50, session_id: 'x', created_at: 'never', user_id: 'mallory' }],
  ])('%s changes nothing', async (_what, report) => {
    const before = await documentOf(server, id);
    expect(await send(server, 'PATCH', `/session/${id}`, report)).toMatchObject({ status: 200 });
    expect(await documentOf(server, id)).toEqual(before);
  });

  test('everything at once is one change, whose events tell that they belong together', async () => {
    await patch(server, id, {
      status: 'requirement_submitted',
      steps_completed: ['a', 'b'],
      timing: { a_ms: 1 },
      outputs: { a: 1 },
      labels: { team: 'x' },
      reason: 'nightly run',
    });
    const events = await eventsOf();
    expect(events.map(({ type }) => type).sort()).toEqual([
      'labels_changed',
      'output_recorded',
      'status_changed',
      'step_completed',
      'step_completed',
      'timing_recorded',
    ]);
    expect(new Set(events.map(({ at }) => at)).size).toBe(1);
    for (const { data } of events) expect(data).toMatchObject({ reason: 'nightly run', parts: 6 });
    expect(await documentOf(server, id)).toMatchObject({
      status: 'requirement_submitted',
      steps_completed: ['a', 'b'],
      timing: { a_ms: 1 },
      outputs: { a: 1 },
      labels: { team: 'x' },
      revision: 7,
    });
  });
});

describe('a report of which one member fails is not applied at all', () => {
  const good = { steps_completed: ['a'], timing: { a_ms: 1 }, outputs: { a: 1 }, labels: { team: 'x' } };

  test('when the transition is not allowed', async () => {
    const report = { ...good, status: 'completed' };
    await expectRefusal(server, ['PATCH', '/session/:id', report], 409, expect.anything());
  });

  test('when a value is wrong', async () => {
    const report = { ...good, timing: { a_ms: 1, b_ms: -1 } };
    const detail = [fault('greater_than_equal', 'body', 'timing', 'b_ms')];
    await expectRefusal(server, ['PATCH', '/session/:id', report], 422, { detail });
  });

  test('when If-Match is stale', async () => {
    const headers = { 'if-match': '"1"' };
    await expectRefusal(server, ['PATCH', '/session/:id', good, headers], 412, expect.anything());
  });
});

describe('a report that is sent again', () => {
  test.each([
    ['status', { status: 'requirement_submitted' }],
    ['step', { steps_completed: ['a', 'b'] }],
    ['timing', { timing: { search_ms: 1250 } }],
    ['output', { outputs: { search: { a: 1, b: [1, { c: null }] } } }],
    ['label', { labels: { team: 'payments' } }],
    ['error', { status: 'error', error: 'no answer' }],
    ['report with a reason', { status: 'requirement_submitted', reason: 'nightly run' }],
  ])('changes nothing when the %s is the same', async (_what, report) => {
    const first = await patch(server, id, report);
    const lines = await storedLines(server, id);
    const second = await patch(server, id, report);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(await storedLines(server, id)).toEqual(lines);
  });

  test('takes an output for the same whose members come in another order', async () => {
    const first = await patch(server, id, { outputs: { search: { a: 1, b: 2 } } });
    const second = await patch(server, id, { outputs: { search: { b: 2, a: 1 } } });
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  test('changes what is no longer the same, and the trail keeps both', async () => {
    await patch(server, id, { timing: { a_ms: 1 }, outputs: { a: [1, 2] } });
    await patch(server, id, { timing: { a_ms: 2 }, outputs: { a: [2, 1] } });
    expect(await documentOf(server, id)).toMatchObject({ timing: { a_ms: 2 }, outputs: { a: [2, 1] } });
    const kept = (await eventsOf()).map(({ data }) => data.ms ?? data.value);
    expect(kept).toEqual([[1, 2], 1, [2, 1], 2]);
  });
});

describe('labels', () => {
  test('are merged, and null takes one away', async () => {
    await patch(server, id, { labels: { team: 'payments', stage: 'draft' } });
    await patch(server, id, { labels: { stage: null, 'repo.name': 'shop', team: 'orders', absent: null } });
    expect((await documentOf(server, id)).labels).toEqual({ team: 'orders', 'repo.name': 'shop' });
  });

  test('make room in the same report for those that come', async () => {
    const full = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`k${index}`, 'x']));
    await patch(server, id, { labels: full });
    await patch(server, id, { labels: { k0: null, another: 'y' } });
    expect(Object.keys((await documentOf(server, id)).labels)).toHaveLength(32);
  });
});
