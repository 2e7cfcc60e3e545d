/**
 * Tries the reporter that CI believes: real runs of Jest over small test files which pass, fail, cannot be loaded or
 * leave a test out.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';

const root = process.cwd();

interface Run {
  readonly code: number | null;
  readonly lastLine: string | undefined;
}

/** Jest over the named files of the fixtures, with the settings that matter here. */
async function jest(files: readonly string[], ci: string, ...more: readonly string[]): Promise<Run> {
  const config = {
    rootDir: join(root, 'test/fixtures/passed-failed'),
    testMatch: files.map((file) => `**/${file}.test.js`),
    transform: {},
    reporters: ['default', join(root, 'test/passed-failed.reporter.mjs')],
  };
  const command = [process.execPath, '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
  const options = ['--config', JSON.stringify(config), '--runInBand', ...more];
  // Both streams as one, in the order in which they are written: Jest's summary goes to the other one.
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command, ...options], {
    cwd: root,
    env: { ...process.env, CI: ci },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [output, code] = await Promise.all([text(child.stdout), ended]);
  return { code, lastLine: output.trimEnd().split('\n').at(-1) };
}

describe('The line at the end of a run', () => {
  test('counts tests that passed', async () => {
    expect(await jest(['passes'], 'true')).toEqual({ code: 0, lastLine: '2 passed, 0 failed' });
  });

  test('counts a failed test, and a file that cannot run, as failures', async () => {
    const run = await jest(['passes', 'fails', 'cannot-run'], 'true');
    expect(run).toEqual({ code: 1, lastLine: '3 passed, 2 failed' });
  });

  test('names tests that were left out, which fail the run in CI', async () => {
    const lastLine = '1 passed, 0 failed, 2 skipped';
    expect(await jest(['leaves-out'], 'true')).toEqual({ code: 1, lastLine });
    expect(await jest(['leaves-out'], '')).toEqual({ code: 0, lastLine });
  });

  test('lets a developer choose tests by name', async () => {
    const run = await jest(['fails'], 'true', '-t', 'passes');
    expect(run).toEqual({ code: 0, lastLine: '1 passed, 0 failed, 1 skipped' });
  });
});
