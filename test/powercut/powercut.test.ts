/** `npm run test:powercut` on a machine that cannot do it: it says what is missing, and never pretends. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const MAIN = join(process.cwd(), 'dist-test/test/powercut/main.js');

function run(args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { PATH: '' } });
}

test('A power cut that this machine cannot make is not made: every thing that is missing is a line that says how to get it.', () => {
  const { status, stdout, stderr } = run([]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('no power was cut, and nothing is known');
  const lines = stderr.split('\n');
  for (const line of [
    '- mount: apt-get install mount',
    '- losetup: apt-get install mount',
    '- xfs_io: apt-get install xfsprogs',
    '- mkfs.ext4: apt-get install e2fsprogs',
    '- mkfs.xfs: apt-get install xfsprogs',
  ])
    expect(lines).toContain(line);
});

test('Of one file system only its own program is asked for.', () => {
  expect(run(['--filesystem', 'ext4']).stderr).not.toContain('mkfs.xfs');
});

test.each([
  [['--rounds', 'many'], '--rounds should be a whole number, not "many"'],
  [['--filesystem', 'vfat'], '--filesystem should be ext4 or xfs, not "vfat"'],
])('A wish that is none (%j) is told in a line.', (args, line) => {
  const { status, stderr } = run(args);
  expect([status, stderr]).toEqual([2, `test:powercut: ${line}\n`]);
});
