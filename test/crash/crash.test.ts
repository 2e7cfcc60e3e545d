/**
 * What was acknowledged survives kill -9: the short form of `npm run test:crash`. And a server that acknowledges before
 * it writes is found out, or the long form would prove nothing.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runCrashes } from './crash-run.js';

/** A round takes two or three seconds, and more on a machine that is busy. */
const TEN_ROUNDS_MS = 180_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'impact-session-crash-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const server = (path: string) => [process.execPath, resolve(path)];

/** The command line, and what it says. */
function commandLine(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, ['dist-test/test/crash/main.js', ...args], (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

describe('A server that is killed under load', () => {
  test(
    'has all that it acknowledged when it starts again, ten times',
    async () => {
      const result = await runCrashes({ rounds: 10, seed: 7, folder, command: server('dist/main.js') });
      expect(result.violations).toEqual([]);
      expect(result.killed).toBeGreaterThanOrEqual(6);
      expect(result.stopped).toBeGreaterThanOrEqual(1);
      expect(result.killedStarting).toBeGreaterThanOrEqual(1);
      expect(result.torn).toBeGreaterThanOrEqual(1);
      // It was killed under load: commands were under way and got no answer.
      expect(result.acknowledged).toBeGreaterThan(300);
      expect(result.unknown).toBeGreaterThan(5);
    },
    TEN_ROUNDS_MS,
  );

  test(
    'is found to lose commands when it acknowledges before it writes',
    async () => {
      const command = server('dist-test/test/crash/lazy-server.js');
      const { violations, round } = await runCrashes({ rounds: 10, seed: 1, folder, command });
      expect(violations).toContainEqual(
        expect.stringMatching(
          /^client-\d's append \S+ of sess_\w+ was acknowledged and is not in the log of sess_\w+$/,
        ),
      );
      expect(round).toBeLessThanOrEqual(5);
    },
    TEN_ROUNDS_MS,
  );
});

describe('The command line of the crash test', () => {
  test.each([
    [['--rounds', '0'], /--rounds should be a whole number from 1/],
    [['--rounds', 'many'], /--rounds should be a whole number from 1/],
    [['--seed', '-1'], /--seed/],
    [['--fast'], /--fast/],
    [['again'], /again/],
  ])('refuses %j with a line and the code 2', async (args, line) => {
    const { code, stdout, stderr } = await commandLine(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^test:crash: [^\n]+; see --help\n$/);
    expect(stderr).toMatch(line);
  });

  test('refuses a folder that holds something', async () => {
    writeFileSync(join(folder, 'mine.txt'), 'mine');
    expect(await commandLine('--folder', folder)).toMatchObject({ code: 2, stderr: /empty or new/ });
  });

  test('says what it cannot bring back', async () => {
    const { code, stdout } = await commandLine('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/does not bring back what the machine's scheduler/);
  });

  test('ends with the code 1, the faults, the folder and the way to try again when the server does not start', async () => {
    const { code, stdout } = await commandLine(
      '--rounds',
      '3',
      '--seed',
      '5',
      '--folder',
      folder,
      '--server',
      'false',
    );
    expect(code).toBe(1);
    expect(stdout).toContain('- the server did not start');
    expect(stdout).toContain(`The folder stays: ${folder}\n`);
    expect(stdout).toContain('Again: npm run test:crash -- --rounds 3 --seed 5 --server "false"\n');
  });
});
