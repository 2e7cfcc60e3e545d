/** What `impact-session copy` leaves behind, and tells: one session that cannot be copied keeps no other from being copied. */

import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening } from '../../src/testing/contract/store-under-test.js';
import { type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { impactSession } from './command.js';

const makeFolder = dataFolders();
let database: FreshDatabase;

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(() => database.drop());

const NO_YEAR = new Date('0000-06-01T00:00:00.000Z');

/** A folder with these many sessions, and one whose time is none that PostgreSQL has, where that is asked for. */
async function aFolder(sessions: number, withFar = false): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  for (let n = 0; n < sessions; n++) await store.create(idsAt(BORN, n), opening(`user ${n}`));
  if (withFar) await store.create(['sess_20240115_103045_ffffff'], opening('far', NO_YEAR));
  await folder.closeAll();
  return folder;
}

const copy = (from: DataFolder, to: string, ...more: string[]) =>
  impactSession('/tmp', ['copy', '--from', `file:${from.path}`, '--to', to, ...more]);

test('A session that the target cannot take is told by its id, and all others are copied', async () => {
  const folder = await aFolder(150, true);
  const { code, stdout, stderr } = await copy(folder, database.url);
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(/^sess_20240115_103045_ffffff\t-\tnot_copyable\t[^\n\t]+\n$/),
  ]);
  expect(stderr).toMatch(/not finished.*\n1 session cannot be taken .*--leave-damaged\)\n$/);
  const left = await copy(folder, database.url, '--leave-damaged', '--json');
  expect([left.code, JSON.parse(left.stdout)]).toMatchObject([
    0,
    { finished: true, sessions: 150, copied_now: 0, damaged: 0, not_copyable: 1, problems: [{ seq: null }] },
  ]);
  const store = await PostgresStore.open({ url: database.url });
  expect(await store.list({ limit: 1, counted: true })).toMatchObject({ total: 150 });
  await store.close();
});

test('An id that begins as with a month and has none is told, since PostgreSQL has no partition for it', async () => {
  const folder = await aFolder(2);
  await folder.write('2024-01-15/sess_1abc/session_metadata.json', '{"session_id":"sess_1abc"}');
  const { code, stdout } = await copy(folder, database.url);
  expect([code, stdout]).toEqual([
    1,
    'sess_1abc\t-\tnot_copyable\tno partition has room for an id like this\n',
  ]);
});

test('However deep a document is, it is copied or told, and the others are copied', async () => {
  const [folder, to] = [await aFolder(2), await makeFolder()];
  for (let depth = 500; depth <= 8_000; depth += 100)
    await folder.write(
      `2024-01-15/deep_${depth}/session_metadata.json`,
      `{"timing":{},"deep":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    );
  for (const target of [database.url, `file:${to.path}`]) {
    const { code, stdout, stderr } = await copy(folder, target, '--leave-damaged', '--json');
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/\bat .+:\d+:\d+/)]);
    const { sessions, problems } = JSON.parse(stdout);
    expect([sessions > 2, sessions + problems.length]).toEqual([true, 78]);
  }
});

test('What was copied and is damaged now is not left at the target as if it had been compared', async () => {
  const [folder, to] = [await aFolder(4), await makeFolder()];
  const log = (n: number) => `2024-01-15/sess_20240115_103045_00000${n}/events.jsonl`;
  await folder.write(log(3), 'no line\n');
  for (const target of [database.url, `file:${to.path}`]) expect((await copy(folder, target)).code).toBe(1);
  await folder.write(log(0), 'no line\n');
  for (const target of [database.url, `file:${to.path}`]) {
    const { code, stdout } = await copy(folder, target, '--leave-damaged', '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { sessions: 2, damaged: 2 }]);
  }
  expect((await impactSession(to.path, ['verify', '.'])).stderr).toBe('2 sessions, 2 events: no problem\n');
  const store = await PostgresStore.open({ url: database.url });
  expect(await store.list({ limit: 1, counted: true })).toMatchObject({ total: 2 });
  await store.close();
});

test('A name of a day or a session that leads nowhere is damage: there may be sessions behind it', async () => {
  const [folder, to] = [await aFolder(2), await makeFolder()];
  const lost = 'sess_20240115_103045_000007';
  await symlink('/nowhere/at/all', folder.file('2024-01-16'));
  await folder.write('2024-01-17', 'a file');
  await symlink('/nowhere/at/all', folder.file('2024-01-15', 'old_1'));
  await folder.write(`2024-01-15/${lost}`, 'a file');
  await folder.write('2024-01-15/notes.txt', 'a file');
  const { code, stdout, stderr } = await copy(folder, `file:${to.path}`);
  expect(code).toBe(1);
  const told = stdout.trim().split('\n');
  expect(told.map((line) => line.split('\t').slice(0, 3).join(' ')).sort()).toEqual(
    ['2024-01-16', '2024-01-17', 'old_1', lost].map((id) => `${id} - file_unreadable`),
  );
  expect(stderr).toMatch(/^not copied, since it is no session: 2024-01-15\/notes.txt\n/);
  const left = await copy(folder, `file:${to.path}`, '--leave-damaged');
  expect([left.code, left.stderr]).toEqual([
    0,
    expect.stringMatching(/2 sessions .*; 4 damaged, left behind/),
  ]);
});

test('A session whose time has a year below 100 is copied into a folder under its day', async () => {
  const [folder, to] = [await aFolder(1), await makeFolder()];
  await folder.write('2024-01-15/old_1/session_metadata.json', '{"created_at":"0050-06-01T12:00:00"}');
  expect((await copy(folder, `file:${to.path}`)).code).toBe(0);
  expect(await to.read('0050-06-01/old_1/events.jsonl')).toContain('0050-06-01T12:00:00.000Z');
});

test('A folder that is half copied is told to be that by verify and show, also with --json', async () => {
  const folder = await aFolder(1);
  await folder.write('.store/copy.json', '{}');
  for (const args of [
    ['verify', '.'],
    ['verify', '--json', '.'],
    ['show', 'sess_20240115_103045_000000'],
  ])
    expect(await impactSession(folder.path, args, { DATA_SESSIONS_PATH: '.' })).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^impact-session: A copy into the data folder .* is not finished: .*\n$/),
    });
});

test('A target that is, holds or lies in the source, or holds other things, is refused as it is', async () => {
  const [folder, to] = [await aFolder(1), await makeFolder()];
  await mkdir(to.file('outer'));
  await rename(folder.path, to.file('outer', 'store'));
  await symlink(to.file('outer', 'store'), folder.path);
  const refused = async (target: string, why: RegExp) => {
    const { code, stdout, stderr } = await copy(folder, `file:${target}`);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(why)]);
  };
  await refused(to.file('outer', 'store'), /are the same store/);
  await refused(to.file('outer', 'store', 'new'), /one lies in the other/);
  await refused(to.file('outer'), /one lies in the other/);
  const others = await makeFolder();
  for (const name of ['a file', '.hidden']) {
    await others.write(name, '');
    await refused(others.path, /holds other things/);
    await rm(others.file(name));
  }
  await mkdir(others.file('lost+found'));
  expect((await copy(folder, `file:${others.path}`)).code).toBe(0);
});
