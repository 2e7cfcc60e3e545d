/**
 * The benchmark as its commands: what is made to measure on are sessions that verify, and a run leaves a result of the
 * shape that is read by others. No figure is judged: a test is not the place to measure.
 */

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { command } from './postgres/fresh-database.js';

const SEED = resolve('dist-bench/seed.js');
const BENCH = resolve('dist-bench/main.js');
const COMMAND_LINE = resolve('bin/impact-session.js');
const PLAN = ['--sessions', '200', '--days', '30', '--until', '2024-03-01', '--seed', '7'];

let folder: string;
let data: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'impact-session-bench-'));
  data = join(folder, 'data');
  expect(await node(SEED, ...PLAN, '--path', data)).toMatchObject({ code: 0 });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A program in the test's folder, and what it says. */
function node(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return nodeIn(folder, { ...process.env, DATABASE_URL: process.env.TEST_DATABASE_URL }, ...args);
}

function nodeIn(
  cwd: string,
  env: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd, env }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

function idsIn(root: string): string[] {
  const days = readdirSync(root).filter((name) => !name.startsWith('.'));
  return days.flatMap((day) => readdirSync(join(root, day))).sort();
}

describe('bench:seed', () => {
  test('makes as many sessions as wanted, which all verify', async () => {
    const { code, stdout, stderr } = await node(COMMAND_LINE, 'verify', data);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^200 sessions, [\d,]+ events: no problem\n$/);
  });

  test('makes sessions of many kinds, in the days that were asked for', () => {
    const ids = idsIn(data);
    const views = ids.map((id) => {
      const [, year, month, day] = /^sess_(\d{4})(\d\d)(\d\d)_/.exec(id)!;
      const path = join(data, `${year}-${month}-${day}`, id, 'session_metadata.json');
      return JSON.parse(readFileSync(path, 'utf8'));
    });
    const completed = views.filter(({ status }) => status === 'completed');
    expect(new Set(views.map(({ status }) => status)).size).toBeGreaterThanOrEqual(5);
    expect(new Set(views.map(({ user_id }) => user_id)).size).toBeGreaterThan(20);
    expect(completed.length).toBeGreaterThan(100);
    for (const { outputs, timing } of completed) {
      expect(outputs.requirement.requirement_text).toMatch(/^[A-Z].* .*\.$/);
      expect(outputs.effort.total_hours).toBeGreaterThan(0);
      expect(Object.keys(timing)).toEqual(expect.arrayContaining(['search_ms', 'modules_ms', 'effort_ms']));
    }
    expect([ids[0]! >= 'sess_20240131', ids.at(-1)! < 'sess_20240301']).toEqual([true, true]);
  });

  test('makes the same sessions from the same seed, and others from another', async () => {
    const [same, other] = [join(folder, 'same'), join(folder, 'other')];
    await node(SEED, ...PLAN, '--path', same);
    await node(SEED, ...PLAN, '--seed', '8', '--path', other);
    expect(idsIn(same)).toEqual(idsIn(data));
    expect(idsIn(other)).not.toEqual(idsIn(data));
  });

  test('goes on with what an interrupted run left', async () => {
    const interrupted = join(folder, 'interrupted');
    await node(SEED, ...PLAN, '--path', interrupted);
    const [day] = readdirSync(interrupted).filter((name) => !name.startsWith('.'));
    const [id] = readdirSync(join(interrupted, day!));
    rmSync(join(interrupted, day!, id!, 'session_metadata.json'));
    expect(await node(SEED, ...PLAN, '--path', interrupted, '--continue')).toMatchObject({ code: 0 });
    expect(await node(COMMAND_LINE, 'verify', interrupted)).toMatchObject({ code: 0 });
    expect(idsIn(interrupted)).toEqual(idsIn(data));
  });

  test.each([
    ['a folder that holds something', [], /^bench:seed: \S+ is not empty: [^\n]+\n$/],
    ['to continue what is another', ['--continue', '--sessions', '3'], /was begun with --sessions 200 /],
    [
      'more than there is room for',
      ['--sessions', '10000000', '--path', 'new'],
      /10,000,000 sessions need about /,
    ],
    ['what is no number', ['--sessions', 'many'], /It should be a whole number from 1 /],
  ])('refuses %s with a sentence', async (_what, more, sentence) => {
    const { code, stdout, stderr } = await node(SEED, ...PLAN, '--path', data, ...more);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(sentence);
  });
});

describe('bench', () => {
  test('leaves figures with what they are compared with, and on what they were measured', async () => {
    const options = [
      '--only',
      'append',
      'create-in-process',
      '--rounds',
      '1',
      '--seconds',
      '1',
      '--out',
      'results',
    ];
    const { code, stdout } = await node(BENCH, '--sessions', '10', ...options);
    const results = JSON.parse(readFileSync(join(folder, 'results/results.json'), 'utf8'));
    const number = expect.any(Number);
    const sample = { median: number, rounds: [number] };
    const [create, append] = results.figures;
    expect(code).toBe(0);
    expect(append).toEqual({
      name: 'append',
      what: expect.any(String),
      unit: '/s',
      measured: sample,
      comparedWith: { what: expect.any(String), ...sample },
      ratio: sample,
      aims: [{ of: 'ratio', relation: 'at least', value: 0.5 }],
    });
    expect(create).toMatchObject({ name: 'create-in-process', unit: '/s', measured: sample, aims: [] });
    expect(results).toMatchObject({ date: expect.any(String), commit: expect.any(String), seconds: number });
    expect(Object.keys(results.machine)).toEqual([
      'cpu',
      'cores',
      'memory_gb',
      'node',
      'kernel',
      'filesystem',
    ]);
    expect(stdout.split('\n').map((line) => line.split('\t').length)).toEqual([11, 11, 11, 1]);
    expect(readFileSync(join(folder, 'results/results.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    // What was made to be measured is gone.
    expect(readdirSync(join(folder, 'bench/data'))).toEqual([]);
  });

  test('of PostgreSQL: several processes beside as many in plain pg, on a server that is there, which keeps nothing else', async () => {
    const options = ['--rounds', '1', '--seconds', '1', '--sessions', '10', '--out', 'results', '--tsv'];
    const rows = ['--only', 'append-in-process', 'create-in-process', 'plans'];
    const { code } = await node(BENCH, '--store', 'postgres', '--instances', '2', ...options, ...rows);
    const results = JSON.parse(readFileSync(join(folder, 'results/results-postgres.json'), 'utf8'));
    const databases = await command(
      "SELECT datname FROM pg_database WHERE datname LIKE 'impact_session_bench%'",
    );
    await command('DROP DATABASE impact_session_bench_10 WITH (FORCE)');
    const [create, append, plans] = results.figures;
    expect(code).toBe(0);
    for (const [figure, name] of [
      [create, 'create-in-process-2'],
      [append, 'append-in-process-2'],
    ]) {
      expect(figure).toMatchObject({ name, unit: '/s', aims: [{ of: 'ratio' }] });
      expect([figure.measured.median, figure.comparedWith.median]).toEqual([
        expect.any(Number),
        expect.any(Number),
      ]);
    }
    expect(plans.note).toMatch(/0 of 39 read a whole table$/);
    expect(results.wish).toMatchObject({ store: 'postgres', instances: [2] });
    expect(results.postgres.server_version).toMatch(/^\d+/);
    expect(databases).toEqual([{ datname: 'impact_session_bench_10' }]);
  });

  test('of PostgreSQL: on a server of its own, in a folder that is not there yet', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    // As a clone is: PostgreSQL comes through it as nobody, where root runs the tests.
    chmodSync(folder, 0o755);
    const { DATABASE_URL: _none, ...env } = process.env;
    const short = [
      '--rounds',
      '1',
      '--seconds',
      '1',
      '--sessions',
      '10',
      '--only',
      'create-in-process',
      '--json',
    ];
    const { code, stdout, stderr } = await nodeIn(
      empty,
      env,
      BENCH,
      '--store',
      'postgres',
      '--instances',
      '1',
      ...short,
    );
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ postgres: { fsync: 'on' }, figures: [{ measured: {} }] });
  });

  test('refuses a row that it does not have', async () => {
    const { code, stderr } = await node(BENCH, '--only', 'everything');
    expect(code).toBe(2);
    expect(stderr).toBe('bench: there is no row everything: see --help\n');
  });

  test('printed the table in the README, with all rows and sizes, and on what it says', async () => {
    const { asTable } = await import(pathToFileURL(resolve('dist-bench/report/table.js')).href);
    const { date, commit, machine, wish, figures } = JSON.parse(readFileSync('bench/results.json', 'utf8'));
    const { cpu, cores, memory_gb, node: version, filesystem } = machine;
    const on = `On ${date.slice(0, 10)}, commit ${commit}, ${cores} cores of an ${cpu}, ${memory_gb} GB, Node ${version}, ${filesystem}:`;
    expect(readFileSync('README.md', 'utf8')).toContain(`${on}\n\n\`\`\`text\n${asTable(figures)}\`\`\`\n`);
    expect(wish).toMatchObject({
      sessions: [10, 1_000, 1_000_000],
      adapters: ['express', 'fastify'],
      rounds: 5,
    });
    expect(figures.length).toBe(23);
  });

  test('its tables in the documents are those of the results of full runs', async () => {
    const { DOCUMENTS, renewed } = await import(
      pathToFileURL(resolve('dist-bench/report/documents.js')).href
    );
    const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
    const results = { file: read('bench/results.json'), postgres: read('bench/results-postgres.json') };
    expect(DOCUMENTS).toEqual(['README.md', 'docs/SCALING.md']);
    for (const document of DOCUMENTS) {
      const text = readFileSync(document, 'utf8');
      expect(renewed(document, text, results)).toBe(text);
    }
    expect(results.postgres.wish).toMatchObject({
      sessions: [10, 1_000, 1_000_000],
      adapters: ['express', 'fastify'],
      instances: [1, 2],
      rounds: 5,
    });
    expect(results.postgres.figures.length).toBe(78);
    expect(results.postgres.postgres).toMatchObject({ fsync: 'on', synchronous_commit: 'on' });
  });
});
