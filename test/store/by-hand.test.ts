/** What somebody does to the folders by hand, beside the store: what the index makes of it, and when. */
import { cp, mkdir, rename, rm, utimes } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';

const makeFolder = dataFolders();
const DAY = '2024-01-15';
const [A, B] = [...idsAt(BORN, 0, 2)] as [string, string];
const TRUE = [`${A} created`, `${B} created`];

/** A closed folder with two sessions. */
async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create([A], opening('ann'));
  await store.create([B], opening('bob'));
  await folder.closeAll();
  return folder;
}

/** What is listed, as `id status`; that the listing is complete is part of it. */
async function listed(store: FileStore): Promise<string[]> {
  const { sessions, complete } = await store.list({ limit: 500, order: 'oldest' });
  return [...sessions.map(({ id, status }) => `${id} ${status}`), ...(complete ? [] : ['incomplete'])];
}

describe('What was done by hand while the store was closed', () => {
  test('to the folders of a day is found at the next start', async () => {
    const folder = await aFolder();
    await rename(folder.file(DAY, B), folder.file('aside'));
    expect(await listed(await folder.open())).toEqual([`${A} created`]);
    await folder.closeAll();
    await rename(folder.file('aside'), folder.file(DAY, B));
    await folder.write('2023-05-06/old-1/session_metadata.json', '{"status": "completed"}');
    expect(await listed(await folder.open())).toEqual(['old-1 completed', ...TRUE]);
    await folder.closeAll();
    await rm(folder.file('2023-05-06'), { recursive: true });
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test('to an old folder is found also where its time of creation is far from its day', async () => {
    const folder = await aFolder();
    await folder.write('2024-01-14/old-1/session_metadata.json', '{"created_at": "2021-01-01T00:00:00"}');
    expect(await listed(await folder.open())).toEqual(['old-1 created', ...TRUE]);
    await folder.closeAll();
    await rm(folder.file('2024-01-14/old-1'), { recursive: true });
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test('shows a session that was hidden by one of its id under a later day', async () => {
    const folder = await aFolder();
    await folder.write('2024-01-14/old-1/session_metadata.json', '{"user_id": "first"}');
    await folder.write(
      '2024-01-20/old-1/session_metadata.json',
      '{"user_id": "later", "status": "completed"}',
    );
    expect(await listed(await folder.open())).toContain('old-1 completed');
    await folder.closeAll();
    await rm(folder.file('2024-01-20'), { recursive: true });
    const store = await folder.open();
    expect(await listed(store)).toEqual(['old-1 created', ...TRUE]);
    expect((await store.read('old-1'))?.session.userId).toBe('first');
  });

  test('changes nothing of a session where a copy of its folder was put under another name of its day', async () => {
    const folder = await aFolder();
    await cp(folder.file(DAY, A), folder.file(`${DAY}-0000`, A), { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    let store = await folder.open();
    await store.whenComplete();
    const { auditPath } = (await store.append(A, patching({ status: 'error' })))!;
    expect(auditPath).toMatch(new RegExp(`/${DAY}/${A}$`));
    await folder.closeAll();
    store = await folder.open();
    await store.reindex();
    expect(await listed(store)).toEqual([`${A} error`, `${B} created`]);
    expect((await store.read(A))?.session.status).toBe('error');
  });

  test('is found though the time of the day folder was put back', async () => {
    const folder = await aFolder();
    const putBack = () => utimes(folder.file(DAY), 1_700_000_000, 1_700_000_000);
    await putBack();
    expect(await listed(await folder.open())).toEqual(TRUE);
    await folder.closeAll();
    await rm(folder.file(DAY, B), { recursive: true });
    await putBack();
    expect(await listed(await folder.open())).toEqual([`${A} created`]);
  });

  test.each(['2024-13-01', '2024-99-99', '2024-02-30', '0000-00-00', '2024-01-15-2560'])(
    'may be a folder %s, which is no day and has no sessions',
    async (day) => {
      const folder = await aFolder();
      await folder.write(`${day}/old-1/session_metadata.json`, '{"status": "completed"}');
      await mkdir(folder.file(day, 'odd'));
      const store = await folder.open();
      await store.whenComplete();
      expect(await listed(store)).toEqual(TRUE);
      expect(await store.read('old-1')).toBeUndefined();
      await folder.closeAll();
      await rm(folder.file(day), { recursive: true });
      expect(await listed(await folder.open())).toEqual(TRUE);
    },
  );

  test('is found on request, too, and what is not a session any more is taken out', async () => {
    const folder = await aFolder();
    const store = await folder.open();
    await rm(folder.file(DAY, B), { recursive: true });
    await folder.write(`${DAY}/old-1/session_metadata.json`, '{"status": "completed"}');
    expect(await listed(store)).toEqual(TRUE);
    await store.reindex();
    expect(await listed(store)).toEqual([`old-1 completed`, `${A} created`]);
  });
});
