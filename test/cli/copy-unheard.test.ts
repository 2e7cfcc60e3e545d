/** `impact-session copy` whose output nobody takes: it goes on, and what it ends with says what became of it. */

import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { aFolderOf } from './a-store-to-copy.js';

const makeFolder = dataFolders();

/** A folder with three sessions, so many of them damaged. */
async function aFolder(damaged: number): Promise<DataFolder> {
  const folder = await aFolderOf(makeFolder, 3);
  for (let n = 0; n < damaged; n++)
    await folder.write(`2024-01-15/sess_20240115_103045_00000${n}/events.jsonl`, 'no line\n');
  return folder;
}

/** What the command ends with, its outputs taken by what stands behind it in a shell. */
function copied(from: DataFolder, to: DataFolder, outputs: string): number {
  const args = `copy --from file:${from.path} --to file:${to.path} --json`;
  const script = `"${process.execPath}" "${process.cwd()}/bin/impact-session.js" ${args} ${outputs}; exit \${PIPESTATUS[0]}`;
  return spawnSync('bash', ['-c', script], { cwd: '/tmp', stdio: 'ignore' }).status as number;
}

const OUTPUTS = ['| true', '2>&1 | true', '2>/dev/full', '>/dev/full 2>/dev/full'];

test.each(OUTPUTS)('With %s a copy is finished, and one that cannot be ends with 1', async (outputs) => {
  const to = await makeFolder();
  expect(copied(await aFolder(0), to, outputs)).toBe(0);
  const store = await FileStore.open({ path: to.path });
  await store.whenComplete();
  expect(await store.list({ limit: 1, counted: true })).toMatchObject({ total: 3 });
  await store.close();
  const half = await makeFolder();
  expect(copied(await aFolder(3), half, outputs)).toBe(1);
  await expect(half.open()).rejects.toMatchObject({ fault: 'half_copied' });
  expect(copied(await aFolder(0), to, outputs)).toBe(2);
});
