/** When stock is taken: on request, again after a failure, and not any more when the store is closed. */

import { mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import { BORN, idsAt, opening } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const makeFolder = dataFolders();
const INDEX = '.store/index.db';
const REQUEST = '.store/reindex';

/** A closed folder with a session. */
async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await folder.closeAll();
  return folder;
}

/** Gives up after a while: a test that has failed would go on with it for ever. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await pause(20))
    if (Date.now() > end) throw new Error('it never came');
}

const scansOf = (disk: WatchedFiles) => disk.calls.filter((call) => call.startsWith('opendir')).length;

const requests = async (folder: DataFolder) =>
  (await readdir(folder.file('.store'))).filter((name) => name.startsWith('reindex'));

async function ask(folder: DataFolder): Promise<void> {
  await folder.write(REQUEST, '');
  // As of somebody who has written all that he wanted to.
  await utimes(folder.file(REQUEST), 1, 1);
}

describe('A request', () => {
  test('is answered once, and the end of it is told however short it was', async () => {
    const folder = await aFolder();
    const [disk, told] = [new WatchedFiles(), [] as string[]];
    await folder.open({ files: disk.files, inform: (message) => told.push(message) });
    await ask(folder);
    await until(() => told.length >= 2);
    await pause(1_500);
    expect(told).toEqual([
      'taking stock, as was asked for',
      expect.stringMatching(/^the index is complete, after 0\.\d s$/),
    ]);
    expect([scansOf(disk), await requests(folder)]).toEqual([1, []]);
  });

  test('that waits at a start has stock taken of everything, once', async () => {
    const folder = await aFolder();
    await ask(folder);
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    await store.whenComplete();
    expect([scansOf(disk), await requests(folder)]).toEqual([1, []]);
    await folder.closeAll();
    await rm(folder.file(INDEX));
    await ask(folder);
    disk.calls.length = 0;
    await (await folder.open({ files: disk.files })).whenComplete();
    expect([scansOf(disk), await requests(folder)]).toEqual([1, []]);
  });

  test('that was not answered when the store was closed is left to the next one', async () => {
    const folder = await aFolder();
    let go = () => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    const opendir = (path: string) => held.then(() => systemFiles.opendir(path));
    const store = await folder.open({ files: { ...systemFiles, opendir } as typeof systemFiles });
    await ask(folder);
    await until(async () => (await store.health()).writable && 'takingStock' in (await store.health()));
    const closed = store.close();
    go();
    await closed;
    expect(await requests(folder)).toEqual(['reindex.taken']);
    const disk = new WatchedFiles();
    await (await folder.open({ files: disk.files })).whenComplete();
    expect([scansOf(disk), await requests(folder)]).toEqual([1, []]);
  });

  test.each<[string, (folder: DataFolder) => Promise<unknown>]>([
    ['a folder', (folder) => mkdir(folder.file(REQUEST))],
    ['a folder with something in it', (folder) => folder.write(`${REQUEST}/x`, '')],
  ])('in whose place is %s is told of once, and everything goes on', async (_what, put) => {
    const folder = await aFolder();
    const store = await folder.open();
    await put(folder);
    await pause(2_500);
    expect(folder.warnings).toEqual(['what asks for a reindex cannot be answered']);
    await store.create(idsAt(BORN, 1, 1), opening());
    expect((await store.list({ limit: 10 })).sessions).toHaveLength(2);
    await rm(folder.file(REQUEST), { recursive: true });
    await ask(folder);
    await until(async () => (await requests(folder)).length === 0);
    expect(folder.warnings).toHaveLength(1);
  });
});

describe('Taking stock', () => {
  test('is not begun any more when the store is closed while it looks which days there are', async () => {
    const folder = await aFolder();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    let go = () => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    disk.before = (call) => (call === `readdir ${folder.path}` ? held : undefined);
    void store.reindex();
    await until(() => disk.calls.includes(`readdir ${folder.path}`));
    const closed = store.close();
    go();
    await closed;
    expect(scansOf(disk)).toBe(0);
  });

  test('that fails is tried again, later each time; at once when somebody asks', async () => {
    const folder = await aFolder();
    await rm(folder.file(INDEX));
    const disk = new WatchedFiles();
    disk.fail = (call) => (call.startsWith('opendir') ? 'EACCES' : undefined);
    const store = await folder.open({ files: disk.files });
    await pause(4_500);
    // At once, and after 1 and 2 seconds more.
    expect(scansOf(disk)).toBe(3);
    disk.fail = () => undefined;
    await store.reindex();
    expect(await store.list({ limit: 10 })).toMatchObject({ complete: true, sessions: [{}] });
  });
});
