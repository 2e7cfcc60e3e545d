/**
 * A session that is full: each limit is reached with what is allowed, and one more is 413 with the limit's name and
 * height, written nowhere. And many clients that report at once, none of whom loses anything.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  componentError,
  create,
  documentOf,
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
  id = (await create(server)).session_id;
});

const named = <T>(count: number, prefix: string, value: (index: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}_ms`, value(index)]));

async function expectFull(report: object, limit: string, allowed: number): Promise<void> {
  const lines = await storedLines(server, id);
  const answer = await send(server, 'PATCH', `/session/${id}`, report);
  const full = componentError('SessionLimitError', { limit, allowed });
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 413, body: full });
  expect(await storedLines(server, id)).toEqual(lines);
}

describe('a session holds at most', () => {
  test('1,000 steps', async () => {
    await patch(server, id, {
      steps_completed: Array.from({ length: 1_000 }, (_, index) => `step ${index}`),
    });
    await expectFull({ steps_completed: ['one more'] }, 'steps', 1_000);
    await patch(server, id, { steps_completed: ['step 999'] });
    expect((await documentOf(server, id)).steps_completed).toHaveLength(1_000);
  });

  test('1,000 timings', async () => {
    await patch(server, id, { timing: named(1_000, 'a', () => 1) });
    await expectFull({ timing: { more_ms: 1 } }, 'timings', 1_000);
    await patch(server, id, { timing: { a0_ms: 2 } });
  });

  test('32 labels', async () => {
    await patch(server, id, { labels: named(32, 'a', () => 'x') });
    await expectFull({ labels: { more: 'x' } }, 'labels', 32);
    await patch(server, id, { labels: { a0_ms: 'y' } });
  });

  test('4 MiB of outputs', async () => {
    const quarter = 'x'.repeat(256 * 1024 - 100);
    for (let n = 0; n < 16; n++) await patch(server, id, { outputs: { [`o${n}`]: quarter } });
    const details = {
      limit: expect.stringMatching(/outputs/) as unknown as string,
      allowed: 4 * 1024 * 1024,
    };
    await expectFull({ outputs: { more: quarter } }, details.limit, details.allowed);
    await patch(server, id, { outputs: { o0: 'small' } });
    await patch(server, id, { outputs: { more: quarter } });
  });

  test('10,000 events', async () => {
    for (let n = 0; n < 9; n++) await patch(server, id, { timing: named(1_000, 'a', () => n) });
    await patch(server, id, { timing: named(998, 'a', () => 9) });
    expect(await storedLines(server, id)).toHaveLength(9_999);
    await expectFull({ steps_completed: ['a', 'b'] }, 'events', 10_000);
    await patch(server, id, { steps_completed: ['a'] });
    await expectFull({ status: 'error' }, 'events', 10_000);
    await patch(server, id, { steps_completed: ['a'] });
  });
});

describe('many clients at once', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index);

  test('report a hundred different steps, and all of them are recorded', async () => {
    const reports = hundred.map((n) =>
      patch(server, id, { steps_completed: [`step ${n}`], timing: { [`s${n}_ms`]: n } }),
    );
    const answers = await Promise.all(reports);
    const { steps_completed, timing, revision } = await documentOf(server, id);
    expect([...steps_completed].sort()).toEqual(hundred.map((n) => `step ${n}`).sort());
    expect(timing).toEqual(Object.fromEntries(hundred.map((n) => [`s${n}_ms`, n])));
    expect(revision).toBe(201);
    expect(new Set(answers.map(({ headers }) => headers.get('etag'))).size).toBe(100);
    const seqs = (await storedLines(server, id)).map((line) => JSON.parse(line).seq);
    expect(seqs).toEqual(Array.from({ length: 201 }, (_, seq) => seq));
  });

  test('report the same step a hundred times, and it is recorded once', async () => {
    await Promise.all(hundred.map(() => patch(server, id, { steps_completed: ['a'] })));
    expect(await storedLines(server, id)).toHaveLength(2);
  });

  test('of a hundred that move the session on, one does, and 99 find it done', async () => {
    const answers = await Promise.all(
      hundred.map(() => patch(server, id, { status: 'requirement_submitted' })),
    );
    expect(new Set(answers.map(({ headers }) => headers.get('etag')))).toEqual(new Set(['"2"']));
    expect(await storedLines(server, id)).toHaveLength(2);
  });

  test('create a hundred sessions of different ids', async () => {
    const listed = async () => (await send(server, 'GET', '/session/list?limit=500')).body;
    const before = (await listed()).total;
    const made = await Promise.all(hundred.map(() => create(server)));
    const ids = made.map(({ session_id }) => session_id);
    expect(new Set(ids).size).toBe(100);
    const { total, sessions } = await listed();
    expect([total, sessions.length]).toEqual([before + 100, before + 100]);
    expect(sessions.map((session: Json) => session.session_id)).toEqual(expect.arrayContaining(ids));
  });
});
