/** An index that is damaged, or cannot be made anew: it is mended, or told, and is never the end of the store. */
import { spawnSync } from 'node:child_process';
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { IndexFile } from '../../src/session/store/file/index/index-file.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';

const makeFolder = dataFolders();
const [A, B] = [...idsAt(BORN, 0, 2)] as [string, string];
const INDEX = '.store/index.db';

async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create([A], opening('ann'));
  await store.create([B], opening('bob'));
  await store.append(A, patching({ labels: { team: 'payments' }, timing: { search_ms: 5 } }));
  await folder.closeAll();
  return folder;
}

async function idsIn(store: FileStore): Promise<string[]> {
  const { sessions, complete } = await store.list({ limit: 500, order: 'oldest' });
  return [...sessions.map(({ id }) => id), ...(complete ? [] : ['incomplete'])];
}

/** Overwrites the page in which a table or an index begins. */
async function overwriteRoot(folder: DataFolder, name: string): Promise<void> {
  const database = new Database(folder.file(INDEX));
  const read = (sql: string) => (database.prepare(sql).raw().get() as [number])[0];
  const [page, size] = [
    read(`SELECT rootpage FROM sqlite_master WHERE name = '${name}'`),
    read('PRAGMA page_size'),
  ];
  database.close();
  const file = await open(folder.file(INDEX), 'r+');
  await file.write(Buffer.alloc(size, 0xff), 0, size, (page - 1) * size);
  await file.close();
}

async function spoilOpenIndex(folder: DataFolder): Promise<void> {
  for (const file of await readdir(folder.file('.store')))
    if (/^index\.db(-wal)?$/.test(file)) await writeFile(folder.file('.store', file), 'x'.repeat(200_000));
}

describe('A start with an index that is damaged', () => {
  test.each(['about', 'under_way', 'session', 'by_status', 'by_day', 'state', 'label', 'day'])(
    'in %s makes it anew',
    async (name) => {
      const folder = await aFolder();
      await overwriteRoot(folder, name);
      const store = await folder.open();
      // What nobody needs at a start shows when it is needed.
      await store.append(A, patching({ labels: { team: null } }));
      await store.stats({ labels: { team: 'x' } }).catch(() => undefined);
      await store.whenComplete();
      expect(await idsIn(store)).toEqual([A, B]);
      await folder.closeAll();
      expect(await idsIn(await folder.open())).toEqual([A, B]);
    },
  );

  test.each(['listed', 'timing', 'labels'])(
    'in one %s of a row makes it anew when it is read',
    async (column) => {
      const folder = await aFolder();
      const database = new Database(folder.file(INDEX));
      database.exec(`UPDATE session SET ${column} = '\u007f' || substr(${column}, 2)`);
      database.close();
      const store = await folder.open();
      await store.list({ limit: 10 }).catch(() => undefined);
      await store.stats({}).catch(() => undefined);
      await store.whenComplete();
      expect(await idsIn(store)).toEqual([A, B]);
      expect((await store.stats({})).timings).toMatchObject([{ name: 'search_ms', p50: 5 }]);
    },
  );
});

describe('An index that cannot be made anew', () => {
  test('is told as what it is, by whoever needs it, and is made when it can be', async () => {
    const folder = await aFolder();
    const store = await folder.open();
    await spoilOpenIndex(folder);
    await mkdir(folder.file(`${INDEX}-journal`));
    const unavailable = { code: 'StoreUnavailableError', outcome: 'not_applied' };
    for (let turn = 0; turn < 2; turn++) {
      await expect(store.list({ limit: 1 })).rejects.toMatchObject({ code: 'StoreUnavailableError' });
      await expect(store.append(A, patching({ status: 'error' }))).rejects.toMatchObject(unavailable);
      await expect(store.create(idsAt(BORN, 5, 1), opening())).rejects.toMatchObject(unavailable);
    }
    await rm(folder.file(`${INDEX}-journal`), { recursive: true });
    await store.append(A, patching({ status: 'error' }));
    await store.whenComplete();
    expect(await idsIn(store)).toEqual([A, B]);
  });
});

test('An index that cannot be opened is thrown away when it is gone, and not when something else is the matter', async () => {
  const folder = await aFolder();
  const options = { path: folder.file(INDEX), storeId: await folder.storeId(), threads: false };
  const index = IndexFile.open({ ...options, lastStop: 'clean' });
  let begun = 0;
  index.serve(() => (begun += 1));
  // As when the process has too many files open.
  const unopened = () =>
    Promise.reject(Object.assign(new Error('unable to open'), { code: 'SQLITE_CANTOPEN' }));
  await expect(index.asking(unopened)).rejects.toMatchObject({ code: 'StoreUnavailableError' });
  expect([begun, index.about.complete]).toEqual([0, true]);
  await rm(folder.file(INDEX));
  await expect(index.asking(unopened)).rejects.toMatchObject({ code: 'StoreUnavailableError' });
  expect([begun, index.about.complete]).toEqual([1, false]);
  await index.abandon();
});

test('An index that this user may not write is made anew', async () => {
  const folder = await aFolder();
  const program = `
    import { FileStore } from '${process.cwd()}/dist-test/src/session/store/file/file-store.js';
    const store = await FileStore.open({ path: ${JSON.stringify(folder.path)} });
    const created = { type: 'session_created', data: { user_id: null, status: 'created', labels: {} } };
    await store.create(['sess_20240115_103045_00000f'], { at: new Date(${BORN.getTime()}), actor: null, events: [created] });
    await store.whenComplete();
    process.stdout.write(String((await store.list({ limit: 9 })).sessions.length));
    await store.close();
  `;
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
  const script =
    asNobody.length > 0 ? 'chown -R 65534 "$1" && chown 0 "$1/$2" && chmod 444 "$1/$2"' : 'chmod 444 "$1/$2"';
  spawnSync('sh', ['-c', script, 'sh', folder.path, INDEX]);
  const [command = '', ...args] = [...asNobody, process.execPath, '--input-type=module', '-e', program];
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['3', '']);
});
