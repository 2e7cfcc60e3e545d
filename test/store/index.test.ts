/** The index of a data folder: when it is relied on, what a start does without it, and what happens when it is damaged. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { IndexDatabase } from '../../src/session/store/file/index/index-database.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import type { SessionFilter } from '../../src/session/store/session-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const makeFolder = dataFolders();
const DAY = '2024-01-15';
const [A, B] = [...idsAt(BORN, 0, 2)] as [string, string];
const INDEX = '.store/index.db';

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

/** The index says what is not so: what is listed tells whether it was believed. */
async function falsify(folder: DataFolder): Promise<void> {
  const { database } = IndexDatabase.openKept(folder.file(INDEX), await folder.storeId())!;
  database.remove(B);
  database.abandon();
}

const FALSE = [`${A} created`];
const TRUE = [`${A} created`, `${B} created`];
const failed = {
  at: BORN,
  actor: null,
  events: [{ type: 'status_changed', data: { from: 'created', to: 'error' } }],
};

describe('The index', () => {
  test('is relied on after a clean stop: no folder is looked through', async () => {
    const folder = await aFolder();
    await falsify(folder);
    const disk = new WatchedFiles();
    expect(await listed(await folder.open({ files: disk.files }))).toEqual(FALSE);
    expect(disk.calls.filter((call) => call.startsWith('opendir'))).toEqual([]);
  });

  test('is relied on after a kill, but for the sessions with a write under way', async () => {
    const folder = await aFolder();
    await falsify(folder);
    for (const id of [A, B]) await folder.extendLog(DAY, id, failed as never);
    expect(await listed(await folder.openAfterKillOfOurs([A]))).toEqual([`${A} error`]);
    expect(await listed(await folder.openAfterKillOfOurs([B]))).toEqual([`${A} error`, `${B} error`]);
  });

  test('has each session in the set of writes under way before its log is written to', async () => {
    const folder = await aFolder();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    const { database } = IndexDatabase.openKept(folder.file(INDEX), await folder.storeId())!;
    const seen: string[][] = [];
    disk.before = async (call) => {
      if (/^(write|mkdir|rename) .*sess_/.test(call)) seen.push(database.underWay());
    };
    await store.append(A, patching({ stepsCompleted: ['x'] }));
    expect(seen).toEqual([[A]]);
    await store.remove(B);
    expect(seen.at(-1)).toContain(B);
    const { session } = await store.create(idsAt(BORN, 7, 1), opening());
    expect(seen.at(-1)).toContain(session.id);
    await folder.closeAll();
    expect(database.underWay()).toEqual([]);
    database.abandon();
  });

  test('is not relied on after a power cut', async () => {
    const folder = await aFolder();
    await falsify(folder);
    const note = await folder.noteOfThisSystem();
    await folder.write('.store/lock', note.replace(/"boot":"[^"]*"/, '"boot":"another"'));
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test('of a folder that was copied while it was in use is not relied on', async () => {
    const folder = await aFolder();
    await folder.open();
    const copy = await makeFolder();
    await cp(folder.path, copy.path, { recursive: true });
    await falsify(copy);
    expect(await listed(await copy.open())).toEqual(TRUE);
  });

  test('of another disk is not relied on, though the file of the lock has the same number there', async () => {
    const folder = await aFolder();
    await falsify(folder);
    const note = await folder.noteOfThisSystem();
    await folder.write('.store/lock', note.replace(/"device":/, '"device":1'));
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test('that is not relied on stays so when the start that found that out fails', async () => {
    const folder = await aFolder();
    await falsify(folder);
    const disk = new WatchedFiles();
    disk.fail = (call) => (call.startsWith('truncate') ? 'EIO' : undefined);
    await expect(folder.openAfterKill({ files: disk.files })).rejects.toThrow(/EIO/);
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['deleted', (path) => rm(path)],
    ['overwritten', (path) => writeFile(path, 'x'.repeat(50_000))],
    ['emptied', (path) => writeFile(path, '')],
  ])('that was %s is made anew from the folders', async (_, spoil) => {
    const folder = await aFolder();
    await spoil(folder.file(INDEX));
    const store = await folder.open();
    expect(await listed(store)).toEqual(TRUE);
    await store.append(A, patching({ status: 'error' }));
    await folder.closeAll();
    expect(await listed(await folder.open())).toEqual([`${A} error`, `${B} created`]);
  });

  test('of another store is made anew', async () => {
    const [folder, other] = [await aFolder(), await aFolder()];
    await falsify(other);
    await cp(other.file(INDEX), folder.file(INDEX));
    expect(await listed(await folder.open())).toEqual(TRUE);
  });

  test('that is damaged while the store is open is made anew, and everything goes on', async () => {
    const folder = await aFolder();
    const store = await folder.open();
    for (const file of await readdir(folder.file('.store')))
      if (/^index\.db(-wal)?$/.test(file)) await writeFile(folder.file('.store', file), 'x'.repeat(200_000));
    const commands = async () => {
      await store.append(A, patching({ status: 'error' }));
      await store.create(idsAt(BORN, 9, 1), opening());
      return listed(store);
    };
    await commands().catch(() => undefined);
    await store.whenComplete();
    expect(await listed(store)).toEqual(expect.arrayContaining([`${A} error`, `${B} created`]));
    expect(folder.warnings).toEqual([expect.stringContaining('the index was damaged')]);
    await folder.closeAll();
    expect(await listed(await folder.open())).toContain(`${A} error`);
  });

  test('that is deleted while the store is open is made anew when somebody asks it', async () => {
    const folder = await aFolder();
    const store = await folder.open();
    for (const file of await readdir(folder.file('.store')))
      if (file.startsWith('index.db')) await rm(folder.file('.store', file));
    await store.append(A, patching({ status: 'error' }));
    await store.list({ limit: 1 }).catch(() => undefined);
    await store.whenComplete();
    expect(await listed(store)).toEqual([`${A} error`, `${B} created`]);
    await folder.closeAll();
    expect(await listed(await folder.open())).toEqual([`${A} error`, `${B} created`]);
  });

  test('keeps a session in the set of writes under way until a start after a kill has looked at it', async () => {
    const folder = await aFolder();
    const disk = new WatchedFiles();
    const left: string[][] = [];
    disk.before = async (call) => {
      if (!call.startsWith('readFile') || !call.endsWith('events.jsonl')) return;
      // Longer than rows wait to be put in: what is let go of too early is gone by then.
      await new Promise((resolve) => setTimeout(resolve, 250));
      const { database } = IndexDatabase.openKept(folder.file(INDEX), await folder.storeId())!;
      left.push(database.underWay());
      database.abandon();
    };
    await folder.openAfterKillOfOurs([A, B], { files: disk.files });
    expect(left).toEqual([[A, B], expect.arrayContaining([B])]);
  });

  test('that cannot be made keeps the store closed, and says why', async () => {
    const folder = await aFolder();
    await rm(folder.file(INDEX));
    await mkdir(folder.file(INDEX));
    await expect(folder.open()).rejects.toMatchObject({ code: 'StoreOpenError', fault: 'not_writable' });
    await rm(folder.file(INDEX), { recursive: true });
    expect(await listed(await folder.open())).toEqual(TRUE);
  });
});

test.each([
  ['all', 1_500],
  ['half', 750],
])(
  'Words that begin many others are looked for once, also beside a label that %s sessions have',
  async (env, total) => {
    const folder = await makeFolder();
    const store = await folder.open();
    const ids = [...idsAt(BORN, 1_000, 1_500)];
    const made = (id: string) => {
      const data = {
        user_id: `developer${id.slice(-6)}`,
        status: 'created',
        labels: { all: 'x', ...(Number.parseInt(id.slice(-1), 16) % 2 && { half: 'x' }) },
      };
      return { at: BORN, actor: null, events: [{ type: 'session_created' as const, data }] };
    };
    await Promise.all(ids.map((id) => store.create([id], made(id))));
    const asked = async (filter: SessionFilter) => {
      const begun = performance.now();
      const found = [
        (await store.stats(filter)).total,
        (await store.list({ limit: 500, filter, counted: true })).total,
      ];
      return { found, ms: performance.now() - begun };
    };
    await asked({});
    const alone = await asked({ text: 'develop' });
    const both = await asked({ labels: { [env]: 'x' }, text: 'develop' });
    expect(both.found).toEqual([total, total]);
    // Looked for in each session again, they would take hundreds of times as long.
    expect(both.ms).toBeLessThan(10 * alone.ms + 100);
  },
);

test('A text that SQLite cannot hold is listed, found and counted as what it is', async () => {
  const folder = await makeFolder();
  const document = { user_id: 'a\u0000b', status: 'x\ud800y' };
  await folder.write(`${DAY}/old-1/session_metadata.json`, JSON.stringify(document));
  await folder.write(`${DAY}/old-2/session_metadata.json`, '{"user_id": "a"}');
  const store = await folder.open();
  await store.whenComplete();
  const filter = { userId: document.user_id, statuses: [document.status] };
  const { sessions } = await store.list({ limit: 9, filter });
  expect(sessions).toMatchObject([{ id: 'old-1', userId: document.user_id, status: document.status }]);
  expect((await store.list({ limit: 9, filter: { userId: 'a' } })).sessions).toMatchObject([{ id: 'old-2' }]);
  expect((await store.stats({ userId: document.user_id })).statuses).toEqual([
    { status: document.status, sessions: 1 },
  ]);
});

test('The key that made a session is known also when the session cannot be read any more', async () => {
  const folder = await makeFolder();
  const store = await folder.open();
  const idempotency = { key_sha256: 'k', request_sha256: 'r' };
  const keyed = opening('ann');
  const decision = {
    ...keyed,
    events: keyed.events.map((event) => ({ ...event, data: { ...event.data, idempotency } })),
  };
  await store.create([A], decision as never, new Date(0));
  await folder.closeAll();
  await folder.write(`${DAY}/${A}/events.jsonl`, 'damaged');
  const later = await folder.open();
  await later.reindex();
  expect(await listed(later)).toEqual([`${A} corrupted`]);
  await expect(later.create([B], decision as never, new Date(0))).rejects.toMatchObject({
    code: 'SessionCorruptedError',
  });
});

describe('While stock is taken', () => {
  test('lists say that they are not complete, and everything else goes on', async () => {
    const folder = await aFolder();
    await rm(folder.file(INDEX));
    let go = () => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    const files = {
      ...systemFiles,
      opendir: async (path: string) => {
        await held;
        return systemFiles.opendir(path);
      },
    } as typeof systemFiles;
    const store = await folder.open({ files });
    expect(await listed(store)).toEqual(['incomplete']);
    expect(await store.health()).toMatchObject({ writable: true, takingStock: { days: 1, daysDone: 0 } });
    expect((await store.read(A))!.session.userId).toBe('ann');
    await store.append(A, patching({ status: 'error' }));
    const made = await store.create(idsAt(BORN, 5, 1), opening());
    await store.remove(made.session.id);
    expect(await listed(store)).toEqual([`${A} error`, 'incomplete']);
    go();
    await store.whenComplete();
    expect(await listed(store)).toEqual([`${A} error`, `${B} created`]);
    expect(await store.health()).toEqual({ writable: true });
  });

  test('what commands do meanwhile is what is listed in the end', async () => {
    const folder = await makeFolder();
    let store = await folder.open();
    const ids = [...idsAt(BORN, 100, 150)];
    await Promise.all(ids.map((id) => store.create([id], opening())));
    await folder.closeAll();
    await rm(folder.file(INDEX));
    // Slow enough for commands to come before, while, and after a session is looked at.
    const disk = new WatchedFiles();
    store = await folder.open({ files: disk.files });
    const stock = store.reindex();
    await Promise.all(
      ids.map(async (id, n) => {
        for (let turn = 0; turn < n; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (n % 3 === 0) await store.append(id, patching({ status: 'error' }));
        if (n % 3 === 1) await store.remove(id);
      }),
    );
    await stock;
    const expected = ids.flatMap((id, n) =>
      n % 3 === 1 ? [] : [`${id} ${n % 3 === 0 ? 'error' : 'created'}`],
    );
    expect(await listed(store)).toEqual(expected);
  });

  test('a day without sessions changes nothing', async () => {
    const folder = await aFolder();
    await rm(folder.file(INDEX));
    for (const day of ['2024-02-01', '2024-02-02']) await mkdir(folder.file(day));
    const store = await folder.open({ files: new WatchedFiles().files });
    await store.whenComplete();
    expect(await listed(store)).toEqual(TRUE);
  });

  test('what a stopped process left half made or half removed is taken away', async () => {
    const folder = await aFolder();
    await folder.write(`${DAY}/.tmp-${B}/events.jsonl`, 'half');
    await folder.write(`${DAY}/.tmp-removed-${A}/events.jsonl`, 'half');
    const store = await folder.openAfterKill();
    await store.whenComplete();
    expect(await readdir(folder.file(DAY))).toEqual([A, B]);
  });
});

test('A store that was killed in earnest lists what it acknowledged, without looking through the folders', async () => {
  const folder = await makeFolder();
  const program = `
    import { FileStore } from '${process.cwd()}/dist/session/store/file/file-store.js';
    const store = await FileStore.open({ path: ${JSON.stringify(folder.path)} });
    const created = { type: 'session_created', data: { user_id: 'ann', status: 'created', labels: {} } };
    const ids = Array.from({ length: 40 }, (_, n) => 'sess_20240115_103045_' + n.toString(16).padStart(6, '0'));
    await Promise.all(ids.map((id) => store.create([id], { at: new Date(${BORN.getTime()}), actor: null, events: [created] })));
    process.kill(process.pid, 'SIGKILL');
  `;
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', program])).toThrow();
  const disk = new WatchedFiles();
  const store = await folder.open({ files: disk.files });
  expect(await listed(store)).toHaveLength(40);
  expect(disk.calls.filter((call) => call.startsWith('opendir'))).toEqual([]);
  await folder.closeAll();
  expect(existsSync(folder.file(`${INDEX}-wal`))).toBe(false);
});
