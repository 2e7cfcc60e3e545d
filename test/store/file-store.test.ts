/** FileStore keeps the contract of every store, and leaves on the disk what docs/STORAGE.md says. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readLog } from '../../src/session/domain/event-log.js';
import { toDocument } from '../../src/session/domain/session-document.js';
import type { EventDraft } from '../../src/session/domain/session-event.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import type { SessionStore } from '../../src/session/store/session-store.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { describeSessionStore } from '../../src/testing/index.js';
import { DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const folders = new Map<SessionStore, DataFolder>();
describeSessionStore('FileStore', {
  async create() {
    const folder = await DataFolder.make();
    const store = await folder.open();
    folders.set(store, folder);
    return store;
  },
  async reopen(store) {
    await store.close();
    const folder = folders.get(store)!;
    const again = await folder.open();
    folders.set(again, folder);
    return again;
  },
  destroy: (store) => folders.get(store)!.destroy(),
});

const ID = 'sess_20240115_103045_000000';
const DAY = '2024-01-15';

describe('the folder of a session', () => {
  const makeFolder = dataFolders();

  test('lies under its day and holds the log and the view, both complete when create returns', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    const { session, auditPath } = await store.create(idsAt(BORN), opening('me'));
    expect(auditPath).toBe(`${folder.path}/${DAY}/${ID}`);
    expect((await readdir(folder.file(DAY, ID))).sort()).toEqual(['events.jsonl', 'session_metadata.json']);
    const { store_id } = JSON.parse(await folder.read('.store', 'format.json'));
    const log = Buffer.from(await folder.read(DAY, ID, 'events.jsonl'));
    expect(readLog(log, store_id, ID)).toMatchObject({ length: log.length, events: [{ seq: 0 }] });
    expect(JSON.parse(await folder.read(DAY, ID, 'session_metadata.json'))).toEqual(toDocument(session));
  });

  test('is found by computing its path: other days are not looked at', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    await store.create(idsAt(BORN), opening());
    await folder.closeAll();
    const touched: string[] = [];
    const files = {
      ...systemFiles,
      readdir: (...args: Parameters<typeof systemFiles.readdir>) => {
        touched.push(`readdir ${String(args[0])}`);
        return systemFiles.readdir(...args);
      },
    } as typeof systemFiles;
    const reopened = await folder.open({ files });
    touched.length = 0;
    expect(await reopened.read(ID)).toBeDefined();
    expect(touched).toEqual([]);
  });

  test('has a view that follows the log, and is complete when the store is closed', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    await store.create(idsAt(BORN), opening());
    for (let n = 0; n < 20; n++) await store.append(ID, patching({ stepsCompleted: [`s${n}`] }));
    const { session } = (await store.read(ID))!;
    await store.close();
    expect(JSON.parse(await folder.read(DAY, ID, 'session_metadata.json'))).toEqual(toDocument(session));
  });

  test('has its view replaced far less often than it is changed, and never on the way to an acknowledgement', async () => {
    const folder = await makeFolder();
    let replaced = 0;
    const files = {
      ...systemFiles,
      rename: (from: string, to: string) => {
        if (to.endsWith('session_metadata.json')) replaced++;
        return systemFiles.rename(from, to);
      },
    } as typeof systemFiles;
    const store = await folder.open({ files });
    await store.create(idsAt(BORN), opening());
    const started = Date.now();
    for (let n = 0; n < 200; n++) await store.append(ID, patching({ stepsCompleted: [`s${n}`] }));
    await store.close();
    // At most one in 100 ms, one before the first pause and one at the end.
    expect(replaced).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - started) / 100));
    expect(replaced).toBeGreaterThan(0);
  });

  test('may be taken away by hand, day folder and all, while the store is open', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    await store.create(idsAt(BORN), opening());
    await systemFiles.rm(folder.file(DAY), { recursive: true });
    const again = await store.create(idsAt(BORN, 5), opening());
    expect(await stat(join(folder.path, DAY, again.session.id))).toBeDefined();
  });
});

describe('the state cache', () => {
  const makeFolder = dataFolders();

  test('is bounded: what no longer fits is read from the disk again, unchanged', async () => {
    const folder = await makeFolder();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    const big = 'x'.repeat(3 * 1024 * 1024);
    const ids: string[] = [];
    for (let n = 0; n < 14; n++) {
      const { session } = await store.create(idsAt(BORN, n), opening());
      await store.append(session.id, patching({ outputs: { big: `${n}${big}` } }));
      ids.push(session.id);
    }
    disk.calls.length = 0;
    for (const [n, id] of ids.entries()) {
      expect((await store.read(id))!.session.outputs.big).toBe(`${n}${big}`);
    }
    const readAgain = (id: string) => disk.calls.includes(`readFile ${folder.file(DAY, id, 'events.jsonl')}`);
    expect(readAgain(ids[0]!)).toBe(true);
    disk.calls.length = 0;
    await store.read(ids.at(-1)!);
    expect(readAgain(ids.at(-1)!)).toBe(false);
    await store.append(ids[0]!, patching({ stepsCompleted: ['after'] }));
    expect(await allEvents(store, ids[0]!)).toHaveLength(3);
  });
});

test('a session that is not in memory is read by any number at once', async () => {
  const folder = await DataFolder.make();
  try {
    await (await folder.open()).create(idsAt(BORN), opening('me'));
    await folder.closeAll();
    const store = await folder.open();
    const readers = Array.from({ length: 1_500 }, () => store.read(ID));
    for (const read of await Promise.all(readers)) expect(read?.session.userId).toBe('me');
  } finally {
    await folder.destroy();
  }
});

describe('a log', () => {
  const makeFolder = dataFolders();

  test('is read once for all who ask for its events at the same time', async () => {
    const folder = await makeFolder();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    await store.create([ID], opening('me'));
    disk.calls.length = 0;
    const pages = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        store.events(ID, { limit: 1, after: n % 2 === 0 ? undefined : 0 }),
      ),
    );
    expect(pages.map((page) => page?.events.length)).toEqual(pages.map((_, n) => (n % 2 === 0 ? 1 : 0)));
    const readings = () => disk.calls.filter((call) => /^readFile .*events\.jsonl/.test(call)).length;
    expect(readings()).toBe(1);
    await store.append(ID, patching({ status: 'error' }));
    expect((await store.events(ID, { limit: 9 }))?.events).toHaveLength(2);
    expect(readings()).toBe(2);
  });

  test('stays below 64 MiB: the change that would make it longer is refused', async () => {
    const folder = await makeFolder();
    await (await folder.open()).create(idsAt(BORN), opening());
    await folder.closeAll();
    const value = 'x'.repeat(4 * 1024 * 1024 - 1_000);
    const events = Array.from(
      { length: 15 },
      (): EventDraft => ({ type: 'output_recorded', data: { name: 'big', value } }),
    );
    await folder.extendLog(DAY, ID, { at: BORN, actor: null, events });
    const store = await folder.open();
    await expect(store.append(ID, patching({ outputs: { big: `${value}y` } }))).resolves.toBeDefined();
    await expect(store.append(ID, patching({ outputs: { big: `${value}z` } }))).rejects.toMatchObject({
      code: 'SessionLimitError',
      details: { limit: 'bytes of events', allowed: 64 * 1024 * 1024 },
    });
    expect(await store.append(ID, patching({ stepsCompleted: ['small'] }))).toBeDefined();
  });
});

test('a store of a relative path names it as it was configured', async () => {
  const folder = await DataFolder.make();
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    const store = await FileStore.open({ path: './data/sessions/' });
    const { auditPath } = await store.create(idsAt(BORN), opening());
    expect(auditPath).toBe(`data/sessions/${DAY}/${ID}`);
    process.chdir(before);
    expect(await store.append(ID, patching({ stepsCompleted: ['elsewhere'] }))).toBeDefined();
    await store.close();
  } finally {
    process.chdir(before);
    await folder.destroy();
  }
});
