/**
 * The verify route: a trail that is as it was written, one that is not, and that a damaged one is an answer while every
 * other route refuses the session.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  componentError,
  create,
  documentOf,
  patch,
  send,
  type TestServer,
} from './test-server.js';

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  id = (await create(server, { user_id: 'me' })).session_id;
  await patch(server, id, { steps_completed: ['a', 'b'], status: 'requirement_submitted' });
});

/** Changes the session's log as text, behind the server's back. */
const alter = (change: (log: string) => string) => server.place.alterLog(id, change);

const verify = async () => (await send(server, 'GET', `/session/${id}/verify`)).body;

describe('GET /session/{session_id}/verify', () => {
  test('says that a trail is as it was written: how many events, and the hash that they come to', async () => {
    const { head } = await documentOf(server, id);
    const answer = await send(server, 'GET', `/session/${id}/verify`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ valid: true, events: 4, head, problems: [] });
    expect(Object.keys(answer.body)).toEqual(['valid', 'events', 'head', 'problems']);
  });

  test('names event and kind of every problem, with 200: the question was answered', async () => {
    await alter((log) => log.replace('"step":"b"', '"step":"B"'));
    const answer = await send(server, 'GET', `/session/${id}/verify`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      valid: false,
      events: 1,
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
      problems: [{ seq: 2, kind: 'line_altered', message: 'line 3: the hash does not match the line' }],
    });
    expect(Object.keys(answer.body.problems[0])).toEqual(['seq', 'kind', 'message']);
  });

  test.each([
    ['was altered', (log: string) => log.replace('"step":"b"', '"step":"B"')],
    ['was made longer', (log: string) => log.replace('"step":"b"', '"step":"BB"')],
    ['was taken away at its end', (log: string) => log.replace(/[^\n]+\n$/, '')],
    ['is no JSON', (log: string) => log.replace('"step":"b"', '')],
    [
      'stands in another order',
      (log: string) => log.split('\n').sort().reverse().join('\n').trim().concat('\n'),
    ],
  ])('answers where the events are refused: of a log of which a part %s', async (_what, change) => {
    await alter(change);
    const refused = componentError('SessionCorruptedError', { session_id: id });
    const { status, body } = await send(server, 'GET', `/session/${id}/events`);
    expect({ status, body }).toEqual({ status: 500, body: refused });
    expect((await verify()).valid).toBe(false);
  });

  test('finds that the last event was taken away', async () => {
    await alter((log) => `${log.split('\n').slice(0, 3).join('\n')}\n`);
    expect((await verify()).problems.map(({ kind }: { kind: string }) => kind)).toContain('events_missing');
  });

  test('is 404 for a session that is not there, whatever its id', async () => {
    for (const unknown of ['sess_20240115_103045_ffffff', 'nobody', '..%2f..', 'list']) {
      const answer = await send(server, 'GET', `/session/${unknown}/verify`);
      expect([unknown, answer.status]).toEqual([unknown, 404]);
      expect(answer.body.detail.error).toBe('SessionNotFoundError');
    }
  });
});
