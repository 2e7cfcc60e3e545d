/** A day folder that cannot be looked through: it keeps none of the others from being complete. */

import { execFile } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { BORN, idsAt, opening } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const makeFolder = dataFolders();
const OLD_DAY = '2023-05-06';
const DAY = '2024-01-15';
const COMPLETED = '{"status": "completed"}';

/** A closed folder with a session of each day. */
async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  await folder.write(`${OLD_DAY}/old/session_metadata.json`, COMPLETED);
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await folder.closeAll();
  return folder;
}

async function listed(store: FileStore): Promise<string[]> {
  const { sessions, complete } = await store.list({ limit: 10, order: 'oldest' });
  return [...sessions.map(({ status }) => status), ...(complete ? [] : ['incomplete'])];
}

/** A disk on which something of the old day cannot be read. */
function aDiskWithout(what: string, code = 'EACCES'): WatchedFiles {
  const disk = new WatchedFiles();
  disk.fail = (call) => (call.includes(what) ? code : undefined);
  return disk;
}

const callsOf = (disk: WatchedFiles, name: string) => disk.calls.filter((call) => call.includes(name)).length;

const keyed = (store: FileStore, since: string) => {
  const idempotency = { key_sha256: 'a'.repeat(64), request_sha256: '0'.repeat(64) };
  return store.create(idsAt(BORN, 1, 1), opening(null, BORN, { idempotency }), new Date(since));
};

describe('A day folder that cannot be looked through', () => {
  test.each(['EACCES', 'EIO'])('keeps no other from being listed (%s)', async (code) => {
    const folder = await aFolder();
    await rm(folder.file('.store/index.db'));
    const store = await folder.open({ files: aDiskWithout(`opendir ${folder.file(OLD_DAY)}`, code).files });
    await store.whenComplete();
    expect(await listed(store)).toEqual(['created', 'incomplete']);
    expect(folder.warnings).toEqual([expect.stringContaining(`could not be looked through`)]);
    expect(folder.warnings[0]).toContain(OLD_DAY);
    expect(folder.warnings[0]).not.toContain(DAY);
  });

  test('stays as it was known, also after the next start', async () => {
    const folder = await aFolder();
    const disk = aDiskWithout(`opendir ${folder.file(OLD_DAY)}`);
    const store = await folder.open({ files: disk.files });
    await store.reindex();
    expect(await listed(store)).toEqual(['completed', 'created', 'incomplete']);
    await folder.closeAll();
    const healed = await folder.open();
    await healed.whenComplete();
    expect(await listed(healed)).toEqual(['completed', 'created']);
  });

  test('is tried again alone, later each time, until it can be read', async () => {
    const folder = await aFolder();
    await rm(folder.file('.store/index.db'));
    const disk = aDiskWithout(`opendir ${folder.file(OLD_DAY)}`);
    const store = await folder.open({ files: disk.files });
    await pause(4_000);
    // At once, and after 1 and 2 seconds more.
    expect(callsOf(disk, `opendir ${folder.file(OLD_DAY)}`)).toBe(3);
    expect(callsOf(disk, `opendir ${folder.file(DAY)}`)).toBe(1);
    expect(folder.warnings).toHaveLength(1);
    disk.fail = () => undefined;
    while ((await listed(store)).includes('incomplete')) await pause(100);
    expect(await listed(store)).toEqual(['completed', 'created']);
    expect(callsOf(disk, `opendir ${folder.file(DAY)}`)).toBe(1);
  });

  test('leaves keys alone that are later, and vouches for none that is not', async () => {
    const folder = await aFolder();
    await rm(folder.file('.store/index.db'));
    const store = await folder.open({ files: aDiskWithout(`opendir ${folder.file(OLD_DAY)}`).files });
    await store.whenComplete();
    await expect(keyed(store, `${OLD_DAY}T00:00:00.000Z`)).rejects.toMatchObject({
      code: 'StoreUnavailableError',
    });
    const made = await keyed(store, '2024-01-14T00:00:00.000Z');
    expect(await keyed(store, '2024-01-14T00:00:00.000Z')).toEqual(made);
  });

  test('is left out by threads too, and a reindex says so and ends with 2', async () => {
    const folder = await aFolder();
    await chmod(folder.file(OLD_DAY), 0);
    // Root may read everywhere; without these two capabilities it is a user like others.
    const asUser = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all', '--'];
    const [command, ...args] = [
      ...(process.getuid?.() === 0 ? asUser : []),
      ...[process.execPath, `${process.cwd()}/bin/impact-session.js`, 'reindex', folder.path],
    ];
    const failed = await promisify(execFile)(command!, args).catch((error) => error);
    await chmod(folder.file(OLD_DAY), 0o755);
    expect(failed).toMatchObject({ code: 2 });
    expect(failed.stderr).toMatch(/could not be looked through, .*2023-05-06.*EACCES/);
    expect(failed.stderr).toContain('but for day folders that could not be looked through');
  });
});
