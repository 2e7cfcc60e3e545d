/**
 * Pages: a session's events as they stand in its log, and the list of sessions, newest first.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  create,
  type Json,
  patch,
  send,
  startTestServer,
  storedLines,
  type TestServer,
} from './test-server.js';

const MEMBERS = ['v', 'sid', 'seq', 'prev', 'at', 'type', 'actor', 'data', 'hash'];

let server: TestServer;

const events = async (id: string, query = ''): Promise<Json> =>
  (await send(server, 'GET', `/session/${id}/events${query}`)).body;

describe('GET /session/{session_id}/events', () => {
  let id: string;
  beforeAll(async () => {
    server = await bootTestServer();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    id = (await create(server, { user_id: 'ö\u{1f49a}', labels: { team: 'x' } })).session_id;
    await patch(server, id, {
      status: 'requirement_submitted',
      outputs: { odd: ['\u2028\u0000"\\/\u{1f49a}', 1e21, -0.5, 1e-7, 10000000000000000000, { ä: [] }] },
      steps_completed: ['a', 'b'],
      reason: 'why\nnot',
    });
  });

  test('gives each event exactly as it stands in the log', async () => {
    const page = await events(id);
    expect(page.events.map((event: Json) => JSON.stringify(event))).toEqual(await storedLines(server, id));
    for (const event of page.events) expect(Object.keys(event)).toEqual(MEMBERS);
    expect(Object.keys(page)).toEqual(['events', 'next_after']);
    expect(page.next_after).toBeNull();
  });

  test('ignores what the query has beyond after and limit', async () => {
    expect(await events(id, '?limit=1&page=2&label.x=y&__proto__=1')).toEqual(await events(id, '?limit=1'));
  });

  test('gives the very bytes of the log, so that a reader can check the hashes', async () => {
    const { text } = await send(server, 'GET', `/session/${id}/events`);
    for (const line of await storedLines(server, id)) expect(text).toContain(line);
  });

  test.each([1, 2, 3, 4, 5, 500])('gives the whole log in pages of %d', async (limit) => {
    const lines = await storedLines(server, id);
    const pages: Json[] = [await events(id, `?limit=${limit}`)];
    while (pages.at(-1).next_after !== null) {
      pages.push(await events(id, `?limit=${limit}&after=${pages.at(-1).next_after}`));
    }
    const walked = pages.flatMap((page) => page.events);
    expect(walked.map((event) => JSON.stringify(event))).toEqual(lines);
    expect(pages).toHaveLength(Math.ceil(lines.length / limit));
  });

  test('continues after an event, and is empty after the last', async () => {
    const { events: all } = await events(id);
    expect(await events(id, '?after=0')).toEqual({ events: all.slice(1), next_after: null });
    expect(await events(id, '?after=2&limit=1')).toEqual({ events: all.slice(3, 4), next_after: 3 });
    expect(await events(id, '?after=4')).toEqual({ events: [], next_after: null });
    expect(await events(id, '?after=999999999999999')).toEqual({ events: [], next_after: null });
  });

  test('gives 100 events where no limit is named, and up to 500', async () => {
    await patch(server, id, { steps_completed: Array.from({ length: 600 }, (_, index) => `step ${index}`) });
    expect((await events(id)).events).toHaveLength(100);
    expect((await events(id)).next_after).toBe(99);
    expect((await events(id, '?limit=500')).events).toHaveLength(500);
  });
});

describe('GET /session/list', () => {
  beforeEach(async () => {
    server = await startTestServer();
  });
  const list = async (query = ''): Promise<Json> => (await send(server, 'GET', `/session/list${query}`)).body;
  const idsOf = (page: Json): string[] => page.sessions.map((session: Json) => session.session_id);

  test('is empty at first', async () => {
    expect(await send(server, 'GET', '/session/list')).toMatchObject({
      status: 200,
      text: '{"sessions":[],"total":0,"limit":50,"offset":0}',
    });
  });

  test('shows a new session with what is known, and null for what is not', async () => {
    const { session_id, created_at } = await create(server, { user_id: 'a', labels: { team: 'x' } });
    const [item] = (await list()).sessions;
    expect(Object.entries(item)).toEqual([
      ['session_id', session_id],
      ['created_at', created_at],
      ['status', 'created'],
      ['requirement_text', null],
      ['jira_epic_id', null],
      ['total_story_points', null],
      ['total_hours', null],
      ['updated_at', created_at],
      ['user_id', 'a'],
      ['steps_completed', []],
      ['labels', { team: 'x' }],
      ['revision', 1],
    ]);
  });

  test('is newest first, in pages that together are everything', async () => {
    const made = await Promise.all(Array.from({ length: 7 }, () => create(server)));
    const byTime = made.map(({ created_at, session_id }) => `${created_at} ${session_id}`).sort();
    const ids = byTime.reverse().map((one) => one.split(' ')[1]);
    expect(idsOf(await list())).toEqual(ids);
    expect(await list('?limit=3&offset=2')).toMatchObject({ total: 7, limit: 3, offset: 2 });
    const pages = await Promise.all([0, 3, 6, 9].map((offset) => list(`?limit=3&offset=${offset}`)));
    expect(pages.map((page) => page.sessions.length)).toEqual([3, 3, 1, 0]);
    expect(pages.flatMap(idsOf)).toEqual(ids);
    expect(pages.map((page) => page.total)).toEqual([7, 7, 7, 7]);
  });

  test('ignores what the query has beyond limit and offset', async () => {
    await create(server);
    expect(await list('?page=2&limit=1&__proto__=1&constructor=1')).toMatchObject({ total: 1, limit: 1 });
  });
});
