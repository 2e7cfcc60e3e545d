/** `impact-session reindex` as people use it: on a folder that nobody has open, and on one that a server has. */
import { rm } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { BORN, idsAt, opening } from '../session-store.contract.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { impactSession } from './command.js';

const DAY = '2024-01-15';
const makeFolder = dataFolders();

async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  return folder;
}

const ids = async (folder: DataFolder) =>
  (await (await folder.open()).list({ limit: 10 })).sessions.map(({ id }) => id);

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
    expect(await ids(folder)).toHaveLength(1);
  });

  test('asks the server that has the folder, and waits until it is done', async () => {
    const folder = await aFolder();
    await folder.write(`${DAY}/by-hand/session_metadata.json`, '{"status": "completed"}');
    const store = folder.openStores[0]!;
    expect((await store.list({ limit: 10 })).sessions).toHaveLength(1);
    const { code, stdout, stderr } = await impactSession(folder.path, ['reindex', '.', '--json']);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^a server has the folder open: .*\nthe index was made anew .* by the server .*: 2 sessions\n$/,
    );
    expect(JSON.parse(stdout)).toMatchObject({ path: '.', server: true, sessions: 2 });
    expect((await store.list({ limit: 10 })).sessions).toHaveLength(2);
  });

  test('says what is no data folder, makes none, and ends with 2', async () => {
    const folder = await makeFolder();
    const { code, stderr } = await impactSession(folder.path, ['reindex', 'nothing']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('no data folder') });
  });
});
