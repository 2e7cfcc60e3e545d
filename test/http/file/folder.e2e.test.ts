/**
 * What only a data folder has: the files of the specification, sessions that the Python component left in it, and a folder
 * of a session that holds nothing.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FileStore } from '../../../src/session/store/file/file-store.js';
import {
  componentError,
  create,
  expectNever304,
  type Json,
  send,
  startTestServer,
  storeOf,
  type TestServer,
} from '../test-server.js';

const ID = 'sess_20240115_103045_a1b2c3';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});

/** The folder of that session, made behind the server's back. */
async function makeFolder(): Promise<string> {
  const folder = await server.place.auditPath(ID);
  await mkdir(folder, { recursive: true });
  return folder;
}

describe('session_metadata.json', () => {
  const read = (folder: string) => readFile(join(folder, 'session_metadata.json'), 'utf8');

  test('lies in the folder of the session, with the members of the specification', async () => {
    const { audit_path, ...session } = await create(server, { user_id: 'analyst@company.com' });
    const metadata = JSON.parse(await read(audit_path));
    const specified = ['session_id', 'created_at', 'status', 'user_id', 'steps_completed', 'timing'];
    expect(Object.keys(metadata).slice(0, 6)).toEqual(specified);
    expect(metadata).toMatchObject({ ...session, steps_completed: [], timing: {} });
  });

  test('holds what the audit gives as `data`, byte for byte', async () => {
    const { session_id, audit_path } = await create(server);
    const { body } = await send(server, 'GET', `/session/${session_id}/audit`);
    expect(await read(audit_path)).toBe(`${JSON.stringify(body.data, null, 2)}\n`);
  });
});

test('a session of the Python component, which nobody has changed since, has no ETag and is never 304', async () => {
  const document = { session_id: ID, created_at: '2024-01-15T10:30:45', status: 'created' };
  await writeFile(join(await makeFolder(), 'session_metadata.json'), JSON.stringify(document));
  await expectNever304(server, `/session/${ID}`);
});

test('a session whose log was altered beneath the server is refused at its next change', async () => {
  const { session_id: id } = await create(server, { user_id: 'me' });
  await server.place.alterLog(id, (log) => log.replace('"me"', '"you"'));
  const { status, body } = await send(server, 'PATCH', `/session/${id}`, { steps_completed: ['a'] });
  const refused = componentError('SessionCorruptedError', { session_id: id });
  expect({ status, body }).toEqual({ status: 500, body: refused });
  expect((await send(server, 'GET', `/session/${id}/verify`)).body.valid).toBe(false);
});

test('a damaged session is 500 with its id alone, and every other session works', async () => {
  await makeFolder();
  const { session_id } = await create(server);
  const corrupted = componentError('SessionCorruptedError', { session_id: ID });
  for (const path of [`/session/${ID}`, `/session/${ID}/audit`, `/session/${ID}/events`]) {
    expect(await send(server, 'GET', path)).toMatchObject({ status: 500, body: corrupted });
  }
  const report = { steps_completed: ['a'] };
  expect(await send(server, 'PATCH', `/session/${ID}`, report)).toMatchObject({
    status: 500,
    body: corrupted,
  });
  expect(await send(server, 'GET', `/session/${session_id}`)).toMatchObject({ status: 200 });
  await (storeOf(server) as FileStore).reindex();
  const { sessions } = (await send(server, 'GET', '/session/list')).body;
  const shown = sessions.map((session: Json) => [session.session_id, session.status]);
  expect(shown).toEqual([
    [session_id, 'created'],
    [ID, 'corrupted'],
  ]);
});
