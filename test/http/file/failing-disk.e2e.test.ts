/**
 * What a client is told when the disk fails: 503, when to come back, and whether its change may have been made. What was
 * confirmed can be read all the while.
 */

import { expect, test } from '@jest/globals';
import { WatchedFiles } from '../../store/failing-files.js';
import { componentError, create, documentOf, patch, send, startTestServer } from '../test-server.js';

/** A server on a disk that works, with a session of one step. */
async function aServer() {
  const disk = new WatchedFiles();
  const server = await startTestServer({}, { files: disk.files });
  const { session_id } = await create(server);
  await patch(server, session_id, { steps_completed: ['before'] });
  return { disk, server, path: `/session/${session_id}` };
}

type Served = Awaited<ReturnType<typeof aServer>>;

async function expectUnavailable({ server }: Served, path: string, outcome: string): Promise<void> {
  const method = path.endsWith('/create') ? 'POST' : 'PATCH';
  const report = method === 'POST' ? {} : { steps_completed: ['refused'] };
  const { status, headers, body } = await send(server, method, path, report);
  expect({ status, body }).toEqual({
    status: 503,
    body: componentError('StoreUnavailableError', { outcome }),
  });
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
}

/** Every route that reads answers with what was confirmed, and with nothing else. */
async function expectReads({ server, path }: Served, ...steps: string[]): Promise<void> {
  const session = await send(server, 'GET', path);
  expect([session.status, session.headers.get('etag')]).toEqual([200, `"${1 + steps.length}"`]);
  expect(await documentOf(server, path.slice('/session/'.length))).toMatchObject({ steps_completed: steps });
  const events = await send(server, 'GET', `${path}/events`);
  expect([events.status, events.body.events.length]).toEqual([200, 1 + steps.length]);
  const list = await send(server, 'GET', '/session/list');
  expect([list.status, list.body.total]).toEqual([200, 1]);
}

test.each([
  ['open .*events.jsonl', 'EMFILE'],
  ['write .*events.jsonl', 'ENOSPC'],
  ['write .*events.jsonl', 'EIO'],
])(
  'A change that fails at "%s" with %s is 503 and was not made; it is made when the disk works',
  async (call, code) => {
    const served = await aServer();
    const { disk, server, path } = served;
    disk.bytesBeforeFailure = 20;
    disk.fail = (made) => (new RegExp(`^${call}$`).test(made) && !made.includes('.tmp-') ? code : undefined);
    await expectUnavailable(served, path, 'not_applied');
    disk.fail = () => undefined;
    await expectReads(served, 'before');
    await patch(server, path.slice('/session/'.length), { steps_completed: ['after'] });
    await expectReads(served, 'before', 'after');
  },
);

test('A full disk is 503 for who creates and who changes, for as long as it is full, and nobody who reads notices', async () => {
  const served = await aServer();
  const { disk, server, path } = served;
  disk.fail = (call) => (/^(write|writeFile|mkdir) /.test(call) ? 'ENOSPC' : undefined);
  for (let attempt = 0; attempt < 3; attempt++) {
    await expectUnavailable(served, '/session/create', 'not_applied');
    await expectUnavailable(served, path, 'not_applied');
    await expectReads(served, 'before');
  }
  disk.fail = () => undefined;
  await patch(server, path.slice('/session/'.length), { steps_completed: ['after'] });
  await expectReads(served, 'before', 'after');
  await create(server);
});

test('A change whose sync failed is 503 and unknown; from then on every change is refused, and reads go on', async () => {
  const served = await aServer();
  const { disk, path } = served;
  disk.fail = (call) => (/^datasync .*events.jsonl$/.test(call) ? 'EIO' : undefined);
  await expectUnavailable(served, path, 'unknown');
  disk.fail = () => undefined;
  await expectReads(served, 'before');
  await expectUnavailable(served, path, 'not_applied');
  await expectUnavailable(served, '/session/create', 'not_applied');
  await expectReads(served, 'before');
});

test('A creation of which the folder could not be synced is 503 and unknown, and no route shows it', async () => {
  const served = await aServer();
  const { disk } = served;
  disk.fail = (call) => (/^sync .*\/\d{4}-\d\d-\d\d$/.test(call) ? 'EIO' : undefined);
  await expectUnavailable(served, '/session/create', 'unknown');
  disk.fail = () => undefined;
  await expectReads(served, 'before');
});

test('A disk that cannot be read is 503 for what is not in memory, and for nobody else', async () => {
  const served = await aServer();
  const { disk, server, path } = served;
  disk.fail = (call) => (/^(readFile|readdir) /.test(call) ? 'EMFILE' : undefined);
  const { status, headers, body } = await send(server, 'GET', `${path}/events`);
  expect([status, body]).toEqual([503, componentError('StoreUnavailableError', { outcome: 'not_applied' })]);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  for (const route of [path, '/session/list']) expect((await send(server, 'GET', route)).status).toBe(200);
  disk.fail = () => undefined;
  await expectReads(served, 'before');
});
