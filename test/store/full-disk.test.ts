/**
 * Promise: a full disk is survived. A disk of a few megabytes is filled by the store's own writing, and then there is room
 * again. The disk is made in a namespace of its own, so that nothing has to be unmounted and root is not needed.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const PROGRAM = join(process.cwd(), 'dist-test/test/store/fill-a-disk.js');

/** A namespace of users needs no root; where those are forbidden, root can do without. */
const NAMESPACES = ['-Urm', '-m'];

/** Runs a command in a folder that is a disk of so many bytes, of which only this command knows. */
function onASmallDisk(namespace: string, bytes: number, command: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
  try {
    const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && folder="$2" && shift 2 && exec "$@" "$folder"';
    const inside = [namespace, 'sh', '-c', script, 'sh', String(bytes), folder, command, ...args];
    return spawnSync('unshare', inside, { encoding: 'utf8', timeout: 100_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('A full disk refuses changes, loses none, lets everybody read, and goes on when there is room again', () => {
  const tried = NAMESPACES.map((kind) => ({ kind, ...onASmallDisk(kind, 64 * 1024, 'test', '-d') }));
  const namespace = tried.find(({ status }) => status === 0)?.kind;
  if (namespace === undefined) {
    const said = tried
      .map(({ kind, stderr, error }) => `unshare ${kind} says "${stderr ?? error}"`)
      .join(', ');
    const why = `A disk of its own could not be made for this test: ${said}`;
    if (process.env.CI)
      throw new Error(`${why}. In CI it has to run: allow user namespaces, or run as root.`);
    process.stderr.write(`${why}. It was NOT run.\n`);
    return;
  }
  const filled = onASmallDisk(namespace, 3 * 1024 * 1024, process.execPath, PROGRAM);
  expect([filled.status, filled.stderr]).toEqual([0, '']);
  const { confirmed, refusals, late, warnings } = JSON.parse(filled.stdout);
  // It was full while they wrote, and not from the beginning.
  expect(confirmed).toBeGreaterThan(100);
  expect(refusals.length).toBeGreaterThanOrEqual(8 * 25);
  // The log, or the index before it.
  expect(['ENOSPC', 'SQLITE_FULL']).toEqual(expect.arrayContaining([...new Set(refusals)]));
  expect(late).toBeGreaterThan(0);
  expect(warnings).toContainEqual(
    expect.stringMatching(/^the view of .* could not be written; will try again/),
  );
});
