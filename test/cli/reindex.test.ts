/** `impact-session reindex` as people use it: on a folder that nobody has open, and on one that a server has. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { BORN, idsAt, opening } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { startHolder } from './a-holder.js';
import { impactSession } from './command.js';

const DAY = '2024-01-15';
/** Of which taking stock takes some seconds. */
const LARGE_DAY = '2024-02-02';
const MANY = 2_000;
/** How long another process looks for a day folder, in milliseconds: longer than it takes to be stopped meanwhile. */
const SLOW_MS = 4_000;
const COMPLETED = '{"status": "completed"}';

const makeFolder = dataFolders();

async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  return folder;
}

async function addByHand(folder: DataFolder, id: string, document = COMPLETED): Promise<void> {
  await folder.write(`${DAY}/${id}/session_metadata.json`, document);
}

const listed = async (folder: DataFolder) => {
  const store = folder.openStores[0] ?? (await folder.open());
  const { sessions, complete } = await store.list({ limit: 10, order: 'oldest' });
  expect(complete).toBe(true);
  return sessions.map(({ id, status }) => (id.startsWith('sess_') ? status : `${id} ${status}`));
};

/** The files by which is asked, and answered. */
const requests = async (folder: DataFolder) =>
  (await readdir(folder.file('.store'))).filter((name) => name.startsWith('reindex'));

const MADE_HERE = /^the index was made anew in [\d.]+ m?s: [\d,]+ sessions?$/m;
const MADE_BY_ANOTHER =
  /^the index was made anew in [\d.]+ m?s by the process that has the folder open: [\d,]+ sessions?$/m;

describe('impact-session reindex', () => {
  test('makes the index anew of a folder that nobody has open', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    await rm(folder.file('.store/index.db'));
    expect(await impactSession(folder.path, ['reindex', folder.path])).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^the index was made anew in [\d.]+ m?s: 1 session\n$/),
    });
    expect(await requests(folder)).toEqual([]);
    expect(await listed(folder)).toHaveLength(1);
  });

  test('asks the server that has the folder, and waits until it is done', async () => {
    const folder = await aFolder();
    await addByHand(folder, 'by-hand');
    expect(await listed(folder)).toHaveLength(1);
    const { code, stdout, stderr } = await impactSession(folder.path, ['reindex', '.', '--json']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^another process has the folder open: .*\n/);
    expect(stderr).toMatch(MADE_BY_ANOTHER);
    expect(JSON.parse(stdout)).toMatchObject({ path: '.', by_another_process: true, sessions: 2 });
    expect(await requests(folder)).toEqual([]);
    expect(await listed(folder)).toHaveLength(2);
  });

  test('says what is no data folder, makes none, and ends with 2', async () => {
    const folder = await makeFolder();
    const { code, stderr } = await impactSession(folder.path, ['reindex', 'nothing']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('no data folder') });
  });

  test('brings back an index that was deleted under the server that has the folder', async () => {
    const folder = await aFolder();
    expect(await listed(folder)).toEqual(['created']);
    await rm(folder.file('.store/index.db'));
    expect(await listed(folder)).toEqual(['created']);
    const { code, stdout } = await impactSession(folder.path, ['reindex', '.', '--json']);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, sessions: 1 });
    expect(existsSync(folder.file('.store/index.db'))).toBe(true);
    expect(await listed(folder)).toEqual(['created']);
    await folder.closeAll();
    expect(await listed(folder)).toEqual(['created']);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'does it after all when the process that was asked is ended by %s before it is done',
    async (signal) => {
      const folder = await aFolder();
      await folder.closeAll();
      await addByHand(folder, 'before');
      const holder = await startHolder(folder.path, SLOW_MS);
      const command = impactSession(folder.path, ['reindex', '.']);
      await holder.says('taking stock, as was asked for');
      await addByHand(folder, 'meanwhile');
      holder.process.kill(signal);
      await holder.ended;
      const { code, stderr } = await command;
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(MADE_HERE) });
      expect(stderr).toContain('no process has the folder open any more');
      expect(await requests(folder)).toEqual([]);
      expect(await listed(folder)).toEqual(['before completed', 'meanwhile completed', 'created']);
    },
  );

  test('is served by the next process when the one that was asked is started again', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    const holder = await startHolder(folder.path, SLOW_MS);
    const command = impactSession(folder.path, ['reindex', '.']);
    await holder.says('taking stock, as was asked for');
    holder.process.kill('SIGKILL');
    await holder.ended;
    const next = await startHolder(folder.path, 0);
    const { code, stderr } = await command;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(MADE_BY_ANOTHER) });
    await next.says('the index is complete, after ');
  });

  test('says that it gets no answer from a process that is stopped, and ends with 2', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    const holder = await startHolder(folder.path, 0);
    holder.process.kill('SIGSTOP');
    const { code, stderr } = await impactSession(folder.path, ['reindex', '.']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/held by .* does not answer/),
    });
    expect(await requests(folder)).toEqual([]);
  });
});

describe('impact-session reindex of a large folder', () => {
  async function aLargeFolder(): Promise<DataFolder> {
    const folder = await aFolder();
    await addByHand(folder, 'old');
    for (let n = 0; n < MANY; n++)
      await folder.write(`${LARGE_DAY}/old-${n}/session_metadata.json`, COMPLETED);
    await folder.openStores[0]!.reindex();
    await folder.closeAll();
    return folder;
  }

  const firstListed = async (folder: DataFolder) =>
    (await (await folder.open()).list({ limit: 1, order: 'oldest' })).sessions[0]!.status;

  test('looks through all days, also where some have changed that are looked through anyway', async () => {
    const folder = await aLargeFolder();
    // Its day folder does not change by this; the other one does.
    await addByHand(folder, 'old', '{"status": "error"}');
    await folder.write(`${LARGE_DAY}/late/session_metadata.json`, COMPLETED);
    const { code, stderr } = await impactSession(folder.path, ['reindex', '.']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('2,003 sessions') });
    expect(await firstListed(folder)).toBe('error');
  });

  test('by two commands at once ends both with 0, and neither calls the other one a server', async () => {
    const folder = await aLargeFolder();
    await mkdir(folder.file('2024-03-03'));
    const first = impactSession(folder.path, ['reindex', '.']);
    await pause(1_000);
    const outcomes = await Promise.all([first, impactSession(folder.path, ['reindex', '.'])]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    for (const { stderr } of outcomes) expect(stderr).not.toContain('server');
    expect(outcomes[1]!.stderr).toContain('another process has the folder open: it is asked');
    expect(await requests(folder)).toEqual([]);
  });
});
