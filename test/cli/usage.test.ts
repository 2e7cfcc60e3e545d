/** What the command line says when it is used as it cannot be, and which folder it takes. */

import { describe, expect, test } from '@jest/globals';
import { BORN, idsAt, opening } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { impactSession } from './command.js';

const makeFolder = dataFolders();

async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await folder.closeAll();
  return folder;
}

const ID = 'sess_20240115_103045_000000';

describe('A command that cannot be understood', () => {
  test.each<[string, string[], RegExp]>([
    ['an option that there is not', ['verify', '--fast'], /unknown option '--fast'/],
    ['a command that there is not', ['veryfy'], /unknown command 'veryfy'/],
    ['one that is nearly one', ['coppy'], /unknown command 'coppy' \(Did you mean copy\?\)$/],
    [
      'an option that is nearly one',
      ['verify', '--pat', 'a'],
      /unknown option '--pat' \(Did you mean --path\?\)$/,
    ],
    ['no id', ['show'], /missing required argument 'id'/],
    ['an option without its value', ['reindex', '--path'], /option '--path <folder>' argument missing/],
    ['too much', ['reindex', 'a', 'b'], /too many arguments/],
    ['two folders', ['reindex', 'a', '--path', 'b'], /two folders are given: a and --path b/],
    ['two folders', ['verify', 'a', '--path', 'b'], /two folders are given: a and --path b/],
    ['what a terminal would obey', ['verify', '--\u001b[2J'], /unknown option '--\\u001b\[2J'/],
  ])('(%s: %j) ends with 2, says what it is, and where more is told', async (_what, args, said) => {
    const { path } = await makeFolder();
    const { code, stdout, stderr } = await impactSession(path, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.pop()).toBe('(--help tells more)');
    expect(lines.filter((line) => line !== '')).toEqual([
      expect.stringMatching(new RegExp(`^impact-session: ${said.source}`)),
    ]);
  });

  test('is not one that asks for help, which is told on standard output', async () => {
    const { path } = await makeFolder();
    for (const name of ['verify', 'show', 'reindex']) {
      const { code, stdout, stderr } = await impactSession(path, [name, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('--path <folder>');
    }
  });
});

describe('The folder of a command', () => {
  test.each([
    [['verify', '--path', 'FOLDER'], /^1 session, 1 event: no problem\n$/],
    [['verify', 'FOLDER', '--path', 'FOLDER/.'], /^1 session, 1 event: no problem\n$/],
    [['reindex', '--path', 'FOLDER'], /: 1 session\n$/],
    [['show', ID, '--path', 'FOLDER', '--json'], /^$/],
  ])('is given by --path in all of them: %j', async (args, said) => {
    const [folder, elsewhere] = [await aFolder(), await makeFolder()];
    const given = args.map((arg) => arg.replace('FOLDER', folder.path));
    const { code, stderr } = await impactSession(elsewhere.path, given);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(said) });
  });

  test.each([
    ['verify', [], /name one \(impact-session verify FOLDER\); a database is verified by GET .* section 13$/],
    ['show', [ID], /name one \(impact-session show ID --path FOLDER\)/],
    ['reindex', [], /name one \(impact-session reindex FOLDER\)/],
  ])('has to be named to %s where sessions are in a database', async (name, args, said) => {
    const folder = await aFolder();
    const environment = { STORE: 'postgres', DATA_SESSIONS_PATH: folder.path };
    const unnamed = await impactSession(folder.path, [name, ...args], environment);
    expect([unnamed.code, unnamed.stdout]).toEqual([2, '']);
    expect(unnamed.stderr).toMatch(/^impact-session: STORE is postgres, and \w+ is about folders: [^\n]+\n$/);
    expect(unnamed.stderr.trimEnd()).toMatch(said);
    const named = await impactSession('/tmp', [name, ...args, '--path', folder.path], environment);
    expect(named.code).toBe(0);
    // As a server reads it.
    await folder.write('.env', 'STORE=postgres\n');
    expect((await impactSession(folder.path, [name, ...args])).stderr).toBe(unnamed.stderr);
  });
});
