/**
 * The verify route: a trail that is as it was written, one that is not, and that a damaged one is an answer while every
 * other route refuses the session.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  componentError,
  create,
  documentOf,
  patch,
  send,
  startTestServer,
  type TestServer,
} from './test-server.js';

let server: TestServer;
let id: string;
beforeEach(async () => {
  server = await startTestServer();
  id = (await create(server, { user_id: 'me' })).session_id;
  await patch(server, id, { steps_completed: ['a', 'b'], status: 'requirement_submitted' });
});

/** Changes the session's log as text, behind the server's back. */
async function alter(change: (log: string) => string): Promise<void> {
  const day = `${id.slice(5, 9)}-${id.slice(9, 11)}-${id.slice(11, 13)}`;
  const path = join(server.dataFolder, day, id, 'events.jsonl');
  await writeFile(path, change(await readFile(path, 'utf8')));
}

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

  test('answers where the other routes refuse: at the events, and at the next change', async () => {
    await alter((log) => log.replace('"step":"b"', '"step":"BB"'));
    const refused = componentError('SessionCorruptedError', { session_id: id });
    expect((await send(server, 'GET', `/session/${id}/events`)).body).toEqual(refused);
    expect((await send(server, 'PATCH', `/session/${id}`, { steps_completed: ['c'] })).body).toEqual(refused);
    expect((await verify()).problems).toHaveLength(1);
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
