/** The states that the index keeps, so that who reads a session need not wait for its log: when they hold, and when not. */
import { chmod, rm, stat, utimes } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import { toDocument } from '../../src/session/domain/session-document.js';
import { INDEX_FORMAT } from '../../src/session/store/file/index/index-schema.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const makeFolder = dataFolders();
const DAY = '2024-01-15';
const [ID] = [...idsAt(BORN, 0, 1)] as [string];
const LOG = `${DAY}/${ID}/events.jsonl`;
const VIEW = `${DAY}/${ID}/session_metadata.json`;

/** A closed folder with a session that was read once since its last change. */
async function aReadFolder(patch: Parameters<typeof patching>[0] = {}): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create([ID], opening('ann'));
  await store.append(ID, patching({ stepsCompleted: ['a'], ...patch }));
  await folder.closeAll();
  await untilChangesShow();
  await (await folder.open()).read(ID);
  await folder.closeAll();
  return folder;
}

/** Of a file that was changed this moment, nobody can tell whether it was changed once more. */
const untilChangesShow = () => new Promise((resolve) => setTimeout(resolve, 100));

/** Reads the session in a store that was just opened. Whether its log was read for that. */
async function reading(folder: DataFolder, id = ID) {
  await folder.closeAll();
  const disk = new WatchedFiles();
  const store = await folder.open({ files: disk.files });
  const { session } = (await store.read(id))!;
  return { session, store, isFromLog: disk.calls.some((call) => /^readFile .*events\.jsonl/.test(call)) };
}

async function inIndex(folder: DataFolder, sql: string): Promise<void> {
  const database = new Database(folder.file('.store/index.db'));
  expect(database.prepare(sql).run().changes).toBe(1);
  database.close();
}

describe('The state that the index keeps of a session', () => {
  test('is what its log says, and is shown without reading that', async () => {
    const folder = await aReadFolder({ outputs: { requirement: { deep: ['é', 1.5, null] } } });
    const kept = await reading(folder);
    expect(kept.isFromLog).toBe(false);
    await folder.closeAll();
    await rm(folder.file('.store/index.db'));
    const read = await (await folder.open({ files: new WatchedFiles().files })).read(ID);
    expect(kept.session).toEqual(read?.session);
    expect(Object.isFrozen(kept.session.outputs.requirement)).toBe(true);
  });

  test('has the members that a session has in this format of the index', async () => {
    const folder = await aReadFolder();
    // Another list of members is another format: sessions of the old one are kept without them.
    expect({ format: INDEX_FORMAT, members: Object.keys((await reading(folder)).session).sort() }).toEqual({
      format: 3,
      members: [
        'createdAt',
        'error',
        'head',
        'id',
        'labels',
        'outputBytes',
        'outputs',
        'reasons',
        'revision',
        'status',
        'stepsCompleted',
        'timing',
        'updatedAt',
        'userId',
      ],
    });
  });

  test('is kept of all sessions when stock is taken', async () => {
    const folder = await aReadFolder();
    await rm(folder.file('.store/index.db'));
    await (await folder.open()).whenComplete();
    expect(await reading(folder)).toMatchObject({ isFromLog: false });
  });

  test('can be built upon, and is another one after that', async () => {
    const folder = await aReadFolder();
    const { store } = await reading(folder);
    await store.append(ID, patching({ stepsCompleted: ['b'] }));
    expect((await reading(folder)).session.stepsCompleted).toEqual(['a', 'b']);
  });

  test('does not hide that its log was altered, though length and times were put back', async () => {
    const folder = await aReadFolder();
    const { atime, mtime } = await stat(folder.file(LOG));
    const log = await folder.read(LOG);
    await folder.write(LOG, log.replace('"step":"a"', '"step":"b"'));
    await utimes(folder.file(LOG), atime, mtime);
    await expect((await folder.open()).read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
  });

  test.each(['altered', 'missing'])('does not keep a view that is %s from being made again', async (how) => {
    const folder = await aReadFolder();
    const view = await folder.read(VIEW);
    if (how === 'missing') await rm(folder.file(VIEW));
    else await folder.write(VIEW, view.replace('"a"', '"b"'));
    const { session } = await reading(folder);
    await folder.closeAll();
    expect(JSON.parse(await folder.read(VIEW))).toEqual(toDocument(session));
  });

  test('does not keep a view that was altered before stock was taken from being made again', async () => {
    const folder = await aReadFolder();
    await folder.write(VIEW, '{"status": "completed"}');
    await rm(folder.file('.store/index.db'));
    await (await folder.open()).whenComplete();
    const { session } = await reading(folder);
    await folder.closeAll();
    expect(JSON.parse(await folder.read(VIEW))).toEqual(toDocument(session));
  });

  test('does not keep a torn tail from being cut off', async () => {
    const folder = await aReadFolder();
    await folder.write(LOG, `${await folder.read(LOG)}{"v":1`);
    await (await folder.open()).read(ID);
    const { store } = await reading(folder);
    expect((await store.append(ID, patching({ stepsCompleted: ['b'] })))?.session.revision).toBe(4);
  });

  test('is not shown when the index was altered', async () => {
    const folder = await aReadFolder();
    await inIndex(folder, `UPDATE state SET text = replace(text, '"a"', '"b"')`);
    const { session, isFromLog } = await reading(folder);
    expect({ steps: session.stepsCompleted, isFromLog }).toEqual({ steps: ['a'], isFromLog: true });
  });

  test('is kept anew when somebody changed the owner or the mode of its files', async () => {
    const folder = await aReadFolder();
    await chmod(folder.file(LOG), 0o600);
    await untilChangesShow();
    expect(await reading(folder)).toMatchObject({ isFromLog: true });
    expect(await reading(folder)).toMatchObject({ isFromLog: false });
  });

  test('is that of the very files that were read: others that take their place have other numbers', async () => {
    const folder = await aReadFolder();
    const { dev, ino, size, ctimeMs } = await stat(folder.file(LOG));
    // Also where both were changed at the same time, which a test cannot bring about.
    await inIndex(folder, `UPDATE state SET log = 'other' WHERE log = '${dev}:${ino}:${size}:${ctimeMs}'`);
    expect(await reading(folder)).toMatchObject({ isFromLog: true });
  });

  test('is not kept while a further change might not show: within two seconds where whole ones are kept', async () => {
    const folder = await aReadFolder();
    const now = Date.now();
    const stats = async (changed: number) => {
      await inIndex(folder, 'UPDATE about SET format = 0');
      await folder.closeAll();
      const stat = async (path: string) => Object.assign(await systemFiles.stat(path), { ctimeMs: changed });
      const store = await folder.open({ files: { ...systemFiles, stat } as unknown as typeof systemFiles });
      await store.whenComplete();
      await folder.closeAll();
      const database = new Database(folder.file('.store/index.db'));
      const [kept] = database.prepare('SELECT count(*) FROM state').raw().get() as [number];
      database.close();
      return kept;
    };
    const second = Math.floor(now / 1_000) * 1_000;
    expect(await stats(second)).toBe(0);
    expect(await stats(second - 30_000)).toBe(1);
    expect(await stats(Date.now() + 0.5)).toBe(0);
    expect(await stats(second - 999.5)).toBe(1);
  });

  test('is not kept of a session that is large', async () => {
    const folder = await aReadFolder({ outputs: { large: 'x'.repeat(4_000) } });
    expect(await reading(folder)).toMatchObject({ isFromLog: true });
  });

  test('is not kept of what the Python component left, though it is ours by now', async () => {
    const folder = await makeFolder();
    await folder.write('2023-05-06/old-1/session_metadata.json', '{"status": "created"}');
    await (await folder.open()).append('old-1', patching({ status: 'error' }));
    await folder.closeAll();
    await (await folder.open()).read('old-1');
    expect(await reading(folder, 'old-1')).toMatchObject({ isFromLog: true, session: { status: 'error' } });
  });
});
