/**
 * What a client is told when the database fails: 503, when to come back, and whether its change may have been made. When
 * the database is back, so is all that was confirmed, and the server needs no restart. And what a damaged row is.
 */

import { beforeEach, expect, test } from '@jest/globals';
import { CUT, DIE_AT_COMMIT } from '../../postgres/mishaps.js';
import { TestDatabase } from '../test-place.js';
import {
  type Answer,
  componentError,
  create,
  documentOf,
  patch,
  send,
  startTestServer,
  type TestServer,
} from '../test-server.js';

let server: TestServer;
let database: TestDatabase;
let id: string;
beforeEach(async () => {
  server = await startTestServer();
  database = server.place as TestDatabase;
  id = (await create(server)).session_id;
  await patch(server, id, { steps_completed: ['before'] });
});

const REPORT = { steps_completed: ['refused'] };
const KEY = { 'idempotency-key': 'job-17' };

function expectUnavailable({ status, headers, body }: Answer, outcome: string): void {
  expect({ status, body }).toEqual({
    status: 503,
    body: componentError('StoreUnavailableError', { outcome }),
  });
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
}

/** What was confirmed is there, and nothing else. */
async function expectKept(...steps: string[]): Promise<void> {
  expect(await documentOf(server, id)).toMatchObject({ steps_completed: steps, revision: 1 + steps.length });
  const verified = await send(server, 'GET', `/session/${id}/verify`);
  expect(verified.body).toMatchObject({ valid: true, events: 1 + steps.length });
  expect((await send(server, 'GET', '/session/list')).body.total).toBe(1);
}

test('While the database is gone every route that needs it is 503; when it is back, so is everything', async () => {
  const requests: readonly Parameters<typeof send>[] = [
    [server, 'POST', '/session/create', {}],
    [server, 'POST', '/session/create', {}, KEY],
    [server, 'PATCH', `/session/${id}`, REPORT],
    ...['', '/audit', '/events', '/verify'].map((of): Parameters<typeof send> => {
      return [server, 'GET', `/session/${id}${of}`];
    }),
    [server, 'GET', '/session'],
    [server, 'GET', '/session/list'],
    [server, 'GET', '/session/stats'],
  ];
  await database.shut();
  const answers = await Promise.all(requests.map((request) => send(...request)));
  for (const answer of answers) expectUnavailable(answer, 'not_applied');
  expect((await send(server, 'GET', '/docs-json')).status).toBe(200);
  expect((await send(server, 'PATCH', `/session/${id}`, { status: 1 })).status).toBe(422);
  await database.reopen();
  await expectKept('before');
  await patch(server, id, { steps_completed: ['after'] });
  await expectKept('before', 'after');
  expect((await send(server, 'POST', '/session/create', {}, KEY)).status).toBe(200);
});

test('Connections that were cut are made again, and no client notices', async () => {
  await Promise.all(Array.from({ length: 8 }, () => send(server, 'GET', `/session/${id}`)));
  await database.ask(CUT);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      send(server, 'PATCH', `/session/${id}`, { steps_completed: [`s${n}`] }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect((await documentOf(server, id)).revision).toBe(2 + answers.length);
});

test('A change whose connection is lost while it is committed is 503 and unknown, and is not made twice', async () => {
  await database.ask(DIE_AT_COMMIT);
  expectUnavailable(await send(server, 'PATCH', `/session/${id}`, REPORT), 'unknown');
  expectUnavailable(await send(server, 'POST', '/session/create', {}), 'unknown');
  expectUnavailable(await send(server, 'POST', '/session/create', {}, KEY), 'unknown');
  await database.ask('DROP TRIGGER die ON session_events');
  await expectKept('before');
  await patch(server, id, REPORT);
  await expectKept('before', 'refused');
});

test('A session whose row is damaged is 500 with its id alone, and every other session works', async () => {
  const other = (await create(server)).session_id;
  await database.ask(`UPDATE sessions SET state = 'no JSON' WHERE id = $1`, [id]);
  const corrupted = componentError('SessionCorruptedError', { session_id: id });
  for (const [method, path, content] of [
    ['GET', `/session/${id}`],
    ['GET', `/session/${id}/audit`],
    ['PATCH', `/session/${id}`, REPORT],
  ] as const) {
    expect(await send(server, method, path, content)).toMatchObject({ status: 500, body: corrupted });
  }
  await patch(server, other, { steps_completed: ['a'] });
});
