/**
 * No update is lost or doubled by two servers over one database: the short form of `npm run test:instances`. And servers
 * that lock no row are found out, or the long form would prove nothing.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';
import { runInstances } from './instances-run.js';

let folder: string;
let database: FreshDatabase;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'impact-session-instances-'));
  database = await freshDatabase();
});

afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const run = (program: string, operations: number, kills: number) =>
  runInstances({
    operations,
    kills,
    seed: 7,
    folder,
    databaseUrl: database.url,
    command: [process.execPath, resolve(program)],
  });

describe('Two servers over one database, with four writers and two readers each', () => {
  test('lose and double nothing, though one of them is killed in the middle', async () => {
    const result = await run('dist/main.js', 1_000, 1);
    expect(result.violations).toEqual([]);
    expect(result).toMatchObject({ operations: 1_000, killed: 1 });
    // Both were used; and the kill met commands that were under way.
    expect(Math.min(...result.byServer)).toBeGreaterThan(10);
    expect(result.unknown).toBeGreaterThan(0);
    expect(result.reads).toBeGreaterThan(200);
  });

  test('are found to break updates when they lock no row', async () => {
    const { violations } = await run('dist-test/test/instances/server-without-lock.js', 1_000, 0);
    expect(violations).toContainEqual(expect.stringMatching(/^client-\d+'s append .+ was answered 500: /));
  });

  test('are no servers when they do not start', async () => {
    const { violations, operations } = await run('nowhere.js', 100, 1);
    expect(violations).toContain('a server did not start');
    expect(operations).toBe(0);
  });
});

/** The command line, and what it says. */
function commandLine(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, ['dist-test/test/instances/main.js', ...args], (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

describe('The command line of that', () => {
  test.each([
    [['--operations', '0'], /--operations should be a whole number from 1/],
    [['--kills', '-1'], /--kills/],
    [['--seed', 'x'], /--seed should be a whole number from 0/],
    [['again'], /again/],
  ])('refuses %j with a line and the code 2', async (args, line) => {
    const { code, stdout, stderr } = await commandLine(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^test:instances: [^\n]+; see --help\n$/);
    expect(stderr).toMatch(line);
  });

  test('says what it cannot bring back', async () => {
    const { code, stdout } = await commandLine('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('it does not bring\nback');
  });

  test('ends with the code 1, the faults and the way to try again when a server does not start', async () => {
    const { code, stdout } = await commandLine('--operations', '10', '--seed', '5', '--server', 'false');
    expect(code).toBe(1);
    expect(stdout).toContain('- a server did not start\n');
    expect(stdout).toContain(
      'Again: npm run test:instances -- --operations 10 --kills 1 --seed 5 --server "false"\n',
    );
  });
});
