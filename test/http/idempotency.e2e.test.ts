/**
 * Requests that are made again: with the same Idempotency-Key they make one session, however often and however fast.
 */

import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Answer,
  componentError,
  create,
  type Json,
  patch,
  send,
  startTestServer,
  type TestServer,
} from './test-server.js';

const REQUEST = { user_id: 'developer@example.com', labels: { team: 'payments', env: 'test' } };

describe('POST /session/create', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  const keyed = (key: string, content: unknown = REQUEST): Promise<Answer> =>
    send(server, 'POST', '/session/create', content, { 'idempotency-key': key });
  const count = async (): Promise<Json> => (await send(server, 'GET', '/session/list')).body.total;

  test('gives the same session for the same key and request, byte for byte', async () => {
    const first = await keyed('job-17');
    expect(first.status).toBe(200);
    const again = await keyed('job-17');
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get('etag')).toBe('"1"');
    expect(await count()).toBe(1);
  });

  test('gives it as it is by then', async () => {
    const { session_id } = (await keyed('job-17')).body;
    await patch(server, session_id, { status: 'requirement_submitted' });
    const again = await keyed('job-17');
    expect(again).toMatchObject({ status: 200, body: { session_id, status: 'requirement_submitted' } });
    expect(again.headers.get('etag')).toBe('"2"');
  });

  test.each([
    [
      'members in another order',
      '{"labels":{"env":"test","team":"payments"},"user_id":"developer@example.com"}',
    ],
    ['members that are not known', { ...REQUEST, colour: 'blue' }],
    ['other spaces', JSON.stringify(REQUEST, null, 4)],
  ])('takes a request for the same that has %s', async (_what, content) => {
    const { body } = await keyed('job-17');
    expect(await keyed('job-17', content)).toMatchObject({ status: 200, body });
  });

  test('takes an absent body, an empty one and null for the same request', async () => {
    const { body } = await keyed('job-17', '');
    for (const content of [{}, { user_id: null }, { labels: {} }, { labels: null }])
      expect(await keyed('job-17', content)).toMatchObject({ status: 200, body });
    expect(await count()).toBe(1);
  });

  test.each([
    ['user', { ...REQUEST, user_id: 'somebody' }],
    ['label', { ...REQUEST, labels: { team: 'payments', env: 'live' } }],
    ['request: an empty one', {}],
  ])('refuses the key for another %s, and makes nothing', async (_what, content) => {
    await keyed('job-17');
    const { status, body } = await keyed('job-17', content);
    expect({ status, body }).toEqual({ status: 422, body: componentError('IdempotencyKeyReusedError', {}) });
    expect(await count()).toBe(1);
  });

  test('makes another session for another key, be it another in one letter, and for none', async () => {
    const made = [await keyed('job-17'), await keyed('Job-17'), await keyed('"job-17"')];
    const ids = [...made.map(({ body }) => body.session_id), (await create(server, REQUEST)).session_id];
    expect(new Set(ids).size).toBe(4);
  });

  test.each([
    ['one character', '1'],
    ['255 characters', 'k'.repeat(255)],
    ['every printable one', Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).join('')],
    ['a space within', 'job 17'],
  ])('takes a key of %s', async (_what, key) => {
    const first = await keyed(key);
    expect(first.status).toBe(200);
    expect(await keyed(key)).toMatchObject({ status: 200, body: first.body });
  });

  test('makes one session of fifty requests at once, and tells those that come too early when to ask again', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => keyed('job-17')));
    const made = answers.filter(({ status }) => status === 200);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const { status, headers, body } of answers.filter((answer) => !made.includes(answer))) {
      expect({ status, body }).toEqual({ status: 409, body: componentError('IdempotencyKeyInUseError', {}) });
      expect(headers.get('retry-after')).toBe('1');
    }
    expect(await count()).toBe(1);
    expect((await keyed('job-17')).text).toBe(made[0]!.text);
  });

  test('keeps no key as it was sent', async () => {
    const { session_id } = (await keyed('a secret key')).body;
    const { text, body } = await send(server, 'GET', `/session/${session_id}/events`);
    expect(text).not.toContain('a secret key');
    expect(body.events[0].data).toEqual({
      ...REQUEST,
      status: 'created',
      idempotency: {
        key_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        request_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });
});
