/** Two servers over one PostgreSQL database: what is changed through one is what the other answers. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TestDatabase } from '../test-place.js';
import { create, documentOf, patch, send, startTestServer, type TestServer } from '../test-server.js';

let place: TestDatabase;
let one: TestServer;
let other: TestServer;

beforeEach(async () => {
  place = await TestDatabase.make();
  [one, other] = [await startTestServer({}, { place }), await startTestServer({}, { place })];
});

afterEach(async () => {
  await Promise.all([one.close(), other.close()]);
  await place.remove();
});

test('a session that is made through one is reported on, read, listed, counted and verified through the other', async () => {
  const made = await create(one, { user_id: 'developer@example.com' });
  const { session_id: id, audit_path } = made;
  expect(audit_path).toMatch(new RegExp(`^urn:impact-session:[0-9a-f-]{36}:${id}$`));
  const report = {
    status: 'requirement_submitted',
    steps_completed: ['requirement'],
    labels: { team: 'payments' },
    outputs: { requirement: { requirement_text: 'Add a field' } },
  };
  await patch(other, id, report);
  for (const server of [one, other]) {
    expect((await send(server, 'GET', `/session/${id}`)).body).toMatchObject({
      status: 'requirement_submitted',
    });
    expect(await documentOf(server, id)).toMatchObject({ ...report, session_id: id });
    const page = await send(server, 'GET', '/session?status=requirement_submitted&label.team=payments&q=fie');
    expect(page.body.sessions.map((item: { session_id: string }) => item.session_id)).toEqual([id]);
    expect((await send(server, 'GET', '/session/stats')).body.total).toBe(1);
    const { events } = (await send(server, 'GET', `/session/${id}/events`)).body;
    expect((await send(server, 'GET', `/session/${id}/verify`)).body).toMatchObject({
      valid: true,
      events: events.length,
    });
  }
});

test('a revision that the other server has passed is refused', async () => {
  const { session_id: id } = await create(one);
  const { headers } = await send(one, 'GET', `/session/${id}`);
  const condition = { 'if-match': headers.get('etag') as string };
  await patch(other, id, { labels: { team: 'payments' } });
  const refused = await send(one, 'PATCH', `/session/${id}`, { labels: { team: 'search' } }, condition);
  expect(refused.status).toBe(412);
  expect((await documentOf(one, id)).labels).toEqual({ team: 'payments' });
});

test('a request that is repeated to the other server with its Idempotency-Key makes no second session', async () => {
  const key = { 'idempotency-key': 'order-4711' };
  const first = await send(one, 'POST', '/session/create', { user_id: 'me' }, key);
  const again = await send(other, 'POST', '/session/create', { user_id: 'me' }, key);
  expect([again.status, again.body]).toEqual([200, first.body]);
  const changed = await send(other, 'POST', '/session/create', { user_id: 'you' }, key);
  expect(changed.status).toBe(422);
  expect((await send(one, 'GET', '/session/list')).body.total).toBe(1);
});

test('a page goes on through the other server', async () => {
  for (let n = 0; n < 5; n++) await create(one, { user_id: 'me' });
  const page = (await send(one, 'GET', '/session?limit=2')).body;
  const rest = (await send(other, 'GET', `/session?limit=10&cursor=${page.next_cursor}`)).body;
  const ids = [...page.sessions, ...rest.sessions].map((item) => item.session_id);
  expect(new Set(ids).size).toBe(5);
});
