/**
 * Finding sessions: filters, words, orders, cursors and statistics, answer by answer and as a whole.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sealCursor } from '../../src/session/domain/session-cursor.js';
import type { SessionPage, SessionStats } from '../../src/session/index.js';
import { makeSessions } from '../../src/testing/contract/store-under-test.js';
import { MemoryStore } from '../../src/testing/index.js';
import {
  bootTestServer,
  create,
  fault,
  type Json,
  patch,
  send,
  startTestServer,
  storeOf,
  type TestServer,
} from './test-server.js';

const REQUIREMENT = { requirement_text: 'Export the trail of a session', jira_epic_id: 'PAY-17' };
const TOLD = [
  {
    at: '2024-01-14T23:59:59.999Z',
    userId: 'ann',
    labels: { team: 'payments', env: 'test' },
    timing: { a_ms: 10 },
  },
  {
    at: '2024-01-15T00:00:00.000Z',
    userId: 'ann',
    labels: { team: 'payments' },
    status: 'requirement_submitted',
  },
  { at: '2024-01-15T10:30:45.123Z', userId: 'bob', timing: { a_ms: 30, b_ms: 5 }, status: 'error' },
  { at: '2024-01-15T10:30:45.124Z', outputs: { requirement: REQUIREMENT } },
  { at: '2024-01-16T00:00:00.000Z', userId: 'b&b=?', labels: { 'repo.name': 'a b+c' }, timing: { a_ms: 20 } },
] as Parameters<typeof makeSessions>[1][];

const page = async (server: TestServer, query = ''): Promise<Json> => {
  const { status, body } = await send(server, 'GET', `/session${query}`);
  expect([query, status]).toEqual([query, 200]);
  return body;
};
const idsOf = (listed: Json): string[] => listed.sessions.map((session: Json) => session.session_id);

describe('GET /session', () => {
  let server: TestServer;
  /** Oldest first. */
  let ids: string[];
  beforeAll(async () => {
    server = await bootTestServer();
    ids = await makeSessions(storeOf(server), ...TOLD);
  });
  afterAll(() => server.close());
  const found = async (query: string) => idsOf(await page(server, query)).map((id) => ids.indexOf(id));

  test('answers a page of sessions, newest first, each as the list shows it', async () => {
    const all = await page(server);
    expect(Object.keys(all)).toEqual(['sessions', 'next_cursor']);
    expect(idsOf(all)).toEqual([...ids].reverse());
    expect(all.next_cursor).toBeNull();
    const list = (await send(server, 'GET', '/session/list')).body;
    expect(all.sessions).toEqual(list.sessions);
    expect(Object.entries(all.sessions[1])).toEqual([
      ['session_id', ids[3]],
      ['created_at', '2024-01-15T10:30:45.124Z'],
      ['status', 'created'],
      ['requirement_text', 'Export the trail of a session'],
      ['jira_epic_id', 'PAY-17'],
      ['total_story_points', null],
      ['total_hours', null],
      ['updated_at', '2024-01-15T10:30:45.124Z'],
      ['user_id', null],
      ['steps_completed', []],
      ['labels', {}],
      ['revision', 2],
    ]);
  });

  test.each<[string, number[]]>([
    ['?order=oldest', [0, 1, 2, 3, 4]],
    ['?order=newest', [4, 3, 2, 1, 0]],
    ['?limit=2', [4, 3]],
    ['?limit=2&order=oldest', [0, 1]],
    ['?status=created', [4, 3, 0]],
    ['?status=error&status=requirement_submitted', [2, 1]],
    ['?status=error&status=error', [2]],
    ['?status=completed', []],
    ['?status=corrupted', []],
    ['?user_id=ann', [1, 0]],
    ['?user_id=An', []],
    ['?user_id=b%26b%3D%3F', [4]],
    ['?created_after=2024-01-15', [4, 3, 2, 1]],
    ['?created_before=2024-01-15', [0]],
    ['?created_after=2024-01-15&created_before=2024-01-16', [3, 2, 1]],
    ['?created_after=2024-01-15T10:30:45.124Z', [4, 3]],
    ['?created_after=2024-01-15T10:30:45.1231Z', [4, 3]],
    ['?created_before=2024-01-15T10:30:45.124Z', [2, 1, 0]],
    ['?created_before=2024-01-15T10:30:45.1231Z', [2, 1, 0]],
    ['?created_after=2024-01-15T11:30:45.124%2B01:00', [4, 3]],
    ['?created_after=2024-01-16T00:00:00-00:01', []],
    ['?created_after=0000-02-29&created_before=9999-12-31T23:59:59.999Z', [4, 3, 2, 1, 0]],
    ['?created_before=0000-12-31', []],
    ['?label.team=payments', [1, 0]],
    ['?label.team=payments&label.env=test', [0]],
    ['?label.repo.name=a%20b%2Bc', [4]],
    ['?label.repo.name=a+b%2Bc', [4]],
    ['?label.team=', []],
    ['?q=export', [3]],
    ['?q=TRAIL%20of', [3]],
    ['?q=pay', [1, 0]],
    ['?q=port', []],
    ['?status=created&user_id=ann&created_before=2024-01-15&label.env=test&q=ann', [0]],
    ['?status=created&user_id=ann&created_before=2024-01-15&label.env=live', []],
  ])('%s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  test.each(['', '/stats'])('refuses what a query has beyond its parameters: /session%s', async (path) => {
    const others = ['page', '__proto__', 'constructor', 'labels', 'label', 'label[team]', 'status.x'];
    const query = `status=created&${others.join('=x&')}=x&page=y`;
    const { status, body } = await send(server, 'GET', `/session${path}?${query}`);
    const faults = others.map((name) => fault('extra_forbidden', 'query', name));
    expect({ status, body }).toEqual({ status: 422, body: { detail: faults } });
  });

  test.each([
    ['', 1],
    ['', 2],
    ['order=oldest', 2],
    ['status=created&created_after=2024-01-01', 1],
    ['q=pay&label.team=payments', 1],
  ])('goes through %j by pages of %d', async (filter, limit) => {
    const whole = idsOf(await page(server, `?${filter}`));
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const next: Json = await page(server, `?${filter}&limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(next.sessions.length).toBe(Math.min(limit, whole.length - paged.length));
      paged.push(...idsOf(next));
      cursor = next.next_cursor;
      if (cursor !== null) expect(cursor).toMatch(/^[\w-]+$/);
    }
    expect(paged).toEqual(whole);
  });

  test('goes on with a cursor where the same is asked in other words, or the limit is another', async () => {
    const first = await page(server, '?status=created&status=error&created_after=2024-01-14&limit=1');
    const same = `?created_after=2024-01-14T00:00:00Z&limit=2&status=error&status=created&status=error&order=newest`;
    expect(await found(`${same}&cursor=${first.next_cursor}`)).toEqual([3, 2]);
  });

  test.each([
    ['with another order', 'status=created&order=oldest'],
    ['without the filter', ''],
    ['with another value', 'status=error'],
    ['with a filter more', 'status=created&user_id=ann'],
    ['with a label more', 'status=created&label.team=payments'],
    ['with a time more', 'status=created&created_after=2024-01-14'],
    ['with a word more', 'status=created&q=a'],
  ])('refuses a cursor %s', async (_what, other) => {
    const { next_cursor } = await page(server, '?status=created&limit=1');
    const { status, body } = await send(server, 'GET', `/session?${other}&limit=1&cursor=${next_cursor}`);
    expect({ status, body }).toEqual({
      status: 422,
      body: { detail: [fault('cursor_mismatch', 'query', 'cursor')] },
    });
  });

  test('refuses a cursor that was cut off', async () => {
    const { next_cursor } = await page(server, '?limit=1');
    const answer = await send(server, 'GET', `/session?limit=1&cursor=${next_cursor.slice(0, -1)}`);
    expect(answer).toMatchObject({
      status: 422,
      body: { detail: [fault('cursor_invalid', 'query', 'cursor')] },
    });
  });

  test.each(['nowhere', '', '1.5', '9999999999999999999', `${2n ** 63n}`, `${-(2n ** 63n) - 1n}`])(
    'refuses a cursor that somebody made up, with a position that the store never gave: %j',
    async (position) => {
      const forged = sealCursor(position, { filter: {}, order: 'newest' });
      const { status, body } = await send(server, 'GET', `/session?cursor=${forged}`);
      expect({ status, body }).toEqual({
        status: 422,
        body: { detail: [fault('cursor_invalid', 'query', 'cursor')] },
      });
    },
  );
});

describe('GET /session/stats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  const stats = async (query = ''): Promise<Json> => {
    const { status, body } = await send(server, 'GET', `/session/stats${query}`);
    expect(status).toBe(200);
    return body;
  };

  test('counts nothing at first', async () => {
    expect(await send(server, 'GET', '/session/stats')).toMatchObject({
      status: 200,
      text: '{"total":0,"by_status":{},"by_day":[],"timings":{}}',
    });
  });

  test('counts sessions by status and by day, and tells how long their steps took', async () => {
    await makeSessions(storeOf(server), ...TOLD);
    const all = await stats();
    expect(all).toEqual({
      total: 5,
      by_status: { created: 3, requirement_submitted: 1, error: 1 },
      by_day: [
        { day: '2024-01-16', sessions: 1 },
        { day: '2024-01-15', sessions: 3 },
        { day: '2024-01-14', sessions: 1 },
      ],
      timings: {
        a_ms: { sessions: 3, p50_ms: 20, p95_ms: 30 },
        b_ms: { sessions: 1, p50_ms: 5, p95_ms: 5 },
      },
    });
    expect(Object.keys(all)).toEqual(['total', 'by_status', 'by_day', 'timings']);
    expect(Object.keys(all.by_status)[0]).toBe('created');
    expect(Object.keys(all.timings)).toEqual(['a_ms', 'b_ms']);
  });

  test('counts those that fit the filters of GET /session', async () => {
    await makeSessions(storeOf(server), ...TOLD);
    for (const query of [
      '?status=created',
      '?status=created&status=error',
      '?user_id=bob',
      '?created_after=2024-01-15&created_before=2024-01-16',
      '?label.team=payments',
      '?q=export',
      '?status=completed',
    ]) {
      const { total, by_status } = await stats(query);
      const { sessions } = await page(server, query);
      expect([query, total]).toEqual([query, sessions.length]);
      expect(new Set(Object.keys(by_status))).toEqual(new Set(sessions.map(({ status }: Json) => status)));
    }
    expect(await stats('?user_id=bob')).toEqual({
      total: 1,
      by_status: { error: 1 },
      by_day: [{ day: '2024-01-15', sessions: 1 }],
      timings: {
        a_ms: { sessions: 1, p50_ms: 30, p95_ms: 30 },
        b_ms: { sessions: 1, p50_ms: 5, p95_ms: 5 },
      },
    });
  });
});

describe('while sessions come and go', () => {
  test('a client that goes on with its cursor sees each session once that stays', async () => {
    const server = await startTestServer();
    const made: string[] = [];
    for (let n = 0; n < 12; n++) made.push((await create(server, { labels: { team: 'x' } })).session_id);
    const shown: string[] = [];
    const gone: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const next: Json = await page(server, `?label.team=x&limit=3${cursor && `&cursor=${cursor}`}`);
      shown.push(...idsOf(next));
      cursor = next.next_cursor;
      await create(server, { labels: { team: 'x' } });
      const last = shown.at(-1)!;
      if (await storeOf(server).remove(last)) gone.push(last);
    }
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown).toEqual(expect.arrayContaining(made.filter((id) => !gone.includes(id))));
  });

  test('what was acknowledged is found by the next request', async () => {
    const server = await startTestServer();
    const { session_id } = await create(server, { user_id: 'me' });
    expect(idsOf(await page(server, '?status=created&user_id=me'))).toEqual([session_id]);
    await patch(server, session_id, { status: 'error', reason: 'by hand' });
    expect(idsOf(await page(server, '?status=created'))).toEqual([]);
    expect(idsOf(await page(server, '?status=error&q=hand'))).toEqual([session_id]);
  });
});

describe('a store that still takes stock', () => {
  class Counting extends MemoryStore {
    override async list(query: Parameters<MemoryStore['list']>[0]): Promise<SessionPage> {
      return { ...(await super.list(query)), complete: false };
    }

    override async stats(filter: object): Promise<SessionStats> {
      return { ...(await super.stats(filter)), complete: false };
    }
  }

  test.each([
    ['/session', { sessions: [], next_cursor: null, incomplete: true }],
    ['/session/list', { sessions: [], total: 0, limit: 50, offset: 0, incomplete: true }],
    ['/session/stats', { total: 0, by_status: {}, by_day: [], timings: {}, incomplete: true }],
  ])('is told of by %s', async (path, expected) => {
    const server = await startTestServer({}, { store: new Counting() });
    const { status, text } = await send(server, 'GET', path);
    expect([status, text]).toEqual([200, JSON.stringify(expected)]);
  });
});
