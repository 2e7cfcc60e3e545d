/**
 * `impact-session verify` as people and programs use it: beside a store that writes, on a copy, on a damaged folder;
 * lines, JSON, exit codes, and what it says when it cannot run.
 */

import { spawnSync } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { impactSession } from './command.js';

const ID = 'sess_20240115_103045_000000';
const OTHER = 'sess_20240115_103045_000001';
const LOG = `2024-01-15/${ID}/events.jsonl`;

const makeFolder = dataFolders();

/** A data folder with two sessions, of three events and of one, and the store that goes on holding it. */
async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await store.create(idsAt(BORN), opening());
  await store.append(ID, patching({ stepsCompleted: ['a', 'b'] }));
  return folder;
}

async function damage(folder: DataFolder): Promise<void> {
  await folder.write(LOG, (await folder.read(LOG)).replace('"step":"a"', '"step":"A"'));
}

describe('impact-session verify', () => {
  test('finds no problem beside a store that holds the folder, and ends with 0', async () => {
    const folder = await aFolder();
    expect(await impactSession(folder.path, ['verify', folder.path])).toEqual({
      code: 0,
      stdout: '',
      stderr: '2 sessions, 4 events: no problem\n',
    });
  });

  test('takes the folder of DATA_SESSIONS_PATH, from the environment or from .env', async () => {
    const folder = await aFolder();
    const other = await makeFolder();
    const named = await impactSession(other.path, ['verify'], { DATA_SESSIONS_PATH: folder.path });
    expect(named.stderr).toBe('2 sessions, 4 events: no problem\n');
    // A fault in what only the server reads is no reason not to verify.
    await other.write('.env', `DATA_SESSIONS_PATH=${folder.path}\nPORT=none\n`);
    expect((await impactSession(other.path, ['verify'])).stderr).toBe('2 sessions, 4 events: no problem\n');
  });

  test('prints session, event, kind and message of each problem, tab-separated, and ends with 1', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    await damage(folder);
    await rm(folder.file(`2024-01-15/${OTHER}/session_metadata.json`));
    const { code, stdout, stderr } = await impactSession(folder.path, ['verify', '.']);
    expect(code).toBe(1);
    expect(stdout.split('\n').sort()).toEqual([
      '',
      `${ID}\t1\tline_altered\tline 2: the hash does not match the line`,
      `${OTHER}\t-\tview_missing\tsession_metadata.json is missing`,
    ]);
    expect(stderr).toBe('2 sessions, 2 events: 2 problems\n');
  });

  test('finds every problem in a copy of the folder, and changes nothing there', async () => {
    const folder = await aFolder();
    await damage(folder);
    const copy = await makeFolder();
    await cp(folder.path, copy.path, { recursive: true });
    const before = await readFile(copy.file('.store/lock'), 'utf8');
    const { code, stdout } = await impactSession(copy.path, ['verify', copy.path]);
    expect([code, stdout.split('\t')[0]]).toEqual([1, ID]);
    expect(await readFile(copy.file('.store/lock'), 'utf8')).toBe(before);
  });

  test('with --json prints one document', async () => {
    const folder = await aFolder();
    const good = await impactSession(folder.path, ['verify', '.', '--json']);
    expect(JSON.parse(good.stdout)).toEqual({
      path: '.',
      problems: [],
      valid: true,
      sessions: 2,
      without_log: 0,
      events: 4,
      not_looked_at: 0,
    });
    expect([good.code, good.stderr]).toEqual([0, '']);
    await damage(folder);
    const bad = await impactSession(folder.path, ['verify', '.', '--json']);
    const problem = {
      session_id: ID,
      seq: 1,
      kind: 'line_altered',
      message: 'line 2: the hash does not match the line',
    };
    expect(JSON.parse(bad.stdout)).toEqual({
      path: '.',
      problems: [problem],
      valid: false,
      sessions: 2,
      without_log: 0,
      events: 2,
      not_looked_at: 0,
    });
    expect(bad.code).toBe(1);
  });

  test('with --session verifies one, and tells the hash that it comes to', async () => {
    const folder = await aFolder();
    await damage(folder);
    const { head } = JSON.parse(await folder.read(`2024-01-15/${OTHER}/session_metadata.json`));
    expect(await impactSession(folder.path, ['verify', '.', '--session', OTHER])).toEqual({
      code: 0,
      stdout: '',
      stderr: `1 session, 1 event: no problem; head ${head}\n`,
    });
    const { stdout } = await impactSession(folder.path, ['verify', '.', '--session', OTHER, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      path: '.',
      problems: [],
      valid: true,
      sessions: 1,
      without_log: 0,
      events: 1,
      not_looked_at: 0,
      head,
    });
    expect((await impactSession(folder.path, ['verify', '.', '--session', ID])).code).toBe(1);
  });

  test.each<[string, string[], RegExp]>([
    ['is not there', ['verify', 'nowhere'], /nowhere is no data folder.*format\.json/],
    ['is none', ['verify', '.'], /is no data folder/],
  ])('ends with 2 and one line when the folder %s', async (_, args, line) => {
    const folder = await makeFolder();
    const { code, stdout, stderr } = await impactSession(folder.path, args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^impact-session: [^\n]+\n$/);
    expect(stderr).toMatch(line);
  });

  test('ends with 2 when the session is not there, whatever its id', async () => {
    const folder = await aFolder();
    for (const id of ['sess_20240115_103045_ffffff', '../2024-01-15', 'a\u001b[31mb']) {
      const { code, stdout, stderr } = await impactSession(folder.path, [
        'verify',
        '.',
        '--json',
        '--session',
        id,
      ]);
      expect([id, code, stdout]).toEqual([id, 2, '']);
      expect(stderr).toMatch(/^impact-session: There is no session [^\p{Cc}]+ in \.\n$/u);
    }
  });

  test.each([
    ['an option that there is not', ['verify', '--fast']],
    ['two folders', ['verify', 'a', 'b']],
    ['a command that there is not', ['repair']],
    ['no command', []],
  ])('ends with 2 at %s', async (_, args) => {
    const folder = await makeFolder();
    const { code, stdout, stderr } = await impactSession(folder.path, args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/\bat .+:\d+:\d+/);
  });

  test('says what it does, what it prints and what it ends with', async () => {
    const folder = await makeFolder();
    const { code, stdout } = await impactSession(folder.path, ['verify', '--help']);
    expect(code).toBe(0);
    for (const said of ['--session <id>', '--json', 'DATA_SESSIONS_PATH', 'tabs', 'Exit code: 0'])
      expect(stdout).toContain(said);
    expect((await impactSession(folder.path, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('says what it did not look at, and which sessions have no log to verify', async () => {
    const folder = await aFolder();
    await folder.write('2024-01-15/old-1/session_metadata.json', '{"status": "created"}');
    await folder.write('notes.txt', '');
    await folder.write('2024-01-15/my backup/events.jsonl', '');
    const { code, stdout, stderr } = await impactSession(folder.path, ['verify', '.']);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr.split('\n').sort()).toEqual([
      '',
      '3 sessions (1 of the Python component, without a log), 4 events: no problem; not looked at: 2 other things',
      'not looked at, since it is no session: 2024-01-15/my backup',
      'not looked at, since it is no session: notes.txt',
    ]);
  });

  test('tells of a second folder of an id, which nobody finds', async () => {
    const folder = await aFolder();
    await folder.write(`2024-01-15-1030/${ID}/session_metadata.json`, '{"status": "created"}');
    const { code, stdout } = await impactSession(folder.path, ['verify', '.']);
    expect([code, stdout]).toEqual([1, expect.stringMatching(`^${ID}\t-\tfolder_misplaced\t`)]);
  });

  test('ends with 2 when what it prints cannot be written', async () => {
    const folder = await aFolder();
    await damage(folder);
    const command = `"${process.execPath}" "${process.cwd()}/bin/impact-session.js" verify . > /dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: folder.path, encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^impact-session: the output could not be written: ENOSPC.*$/m),
    ]);
  });

  test('ends with 1 also when whoever reads the problems has seen enough of them', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    for (let n = 0; n < 500; n++) await folder.write(`2024-01-15/odd-${n}/session_metadata.json`, '{');
    const command = `"${process.execPath}" "${process.cwd()}/bin/impact-session.js" verify . | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder.path, encoding: 'utf8' });
    expect(stdout).toMatch(/^odd-\d+\t-\tfile_unreadable\t.*\n1\n$/);
    expect(stderr).not.toMatch(/EPIPE|\bat .+:\d+:\d+/);
  });

  test('prints nothing that a terminal would obey, whatever stands in format.json', async () => {
    const folder = await makeFolder();
    await folder.write('.store/format.json', '{"format":"\\u001b]0;x\\u0007"}');
    const { code, stderr } = await impactSession(folder.path, ['verify', '.']);
    expect([code, stderr.trimEnd()]).toEqual([2, expect.stringMatching(/^[^\p{Cc}]+$/u)]);
  });

  test('prints its problems on a terminal above the line that says how far it is', async () => {
    const folder = await aFolder();
    await damage(folder);
    const command = `"${process.execPath}" "${process.cwd()}/bin/impact-session.js" verify .`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    // What a terminal shows: a carriage return and the code after it begin a line anew.
    const shown = stdout
      .split('\n')
      .map((line) => line.replaceAll('\r\u001b[K', '\0').replace(/^.*\0/s, '').replace('\r', ''));
    expect(shown).toEqual([
      `${ID}\t1\tline_altered\tline 2: the hash does not match the line`,
      '2 sessions, 2 events: 1 problem',
      '',
    ]);
  });

  test('shows what is written in a damaged folder as text, and nothing that a terminal would obey', async () => {
    const folder = await aFolder();
    await folder.closeAll();
    const view = `2024-01-15/odd/session_metadata.json`;
    await folder.write(view, '{"status": 1}');
    await writeFile(folder.file(LOG), 'rubbish \u001b[2J\n');
    const { stdout } = await impactSession(folder.path, ['verify', '.']);
    expect(stdout.replaceAll(/[\t\n]/g, '')).not.toMatch(/\p{Cc}/u);
    expect(stdout).toContain('odd\t-\tfile_unreadable\t');
  });
});
