/** `impact-session show`: a session's timeline for people, the same for programs, and what is not shown. */

import { describe, expect, test } from '@jest/globals';
import { bar, columns, count, duration, printable } from '../../src/cli/text.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { impactSession } from './command.js';

const ID = 'sess_20240115_103045_000000';
const LOG = `2024-01-15/${ID}/events.jsonl`;

const makeFolder = dataFolders();
const after = (ms: number) => new Date(BORN.getTime() + ms);

/** A session of some minutes that ended badly, with text in it that no terminal should get. */
async function aFolder(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening('Zoë'));
  const report = {
    status: 'requirement_submitted',
    stepsCompleted: ['intake'],
    timing: { search_ms: 1_250, effort_ms: 250 },
    outputs: { requirement: { text: 'ü' } },
    labels: { team: 'payments' },
  };
  await store.append(ID, patching(report, after(60_000)));
  const error = { error: 'TimeoutError', message: 'no \u001b[31manswer', component: null, details: {} };
  await store.append(ID, patching({ status: 'error', error }, after(240_000)));
  await folder.closeAll();
  return folder;
}

describe('impact-session show', () => {
  test('tells what happened when, who did it and how long it took', async () => {
    const folder = await aFolder();
    const { code, stdout, stderr } = await impactSession(folder.path, ['show', ID, '--path', '.']);
    expect([code, stderr]).toEqual([0, '']);
    const { head } = JSON.parse(await folder.read(`2024-01-15/${ID}/session_metadata.json`));
    expect(stdout).toBe(`${ID}
  status   error
  failure  TimeoutError: no \\u001b[31manswer
  user     Zoë
  created  2024-01-15 10:30:45.123Z
  updated  2024-01-15 10:34:45.123Z, 4 min 0 s later
  labels   team=payments
  folder   ./2024-01-15/${ID}
  trail    8 events, verified; head ${head}

Events
  0  2024-01-15 10:30:45.123Z  +0 ms       Zoë   created, status created
  1  2024-01-15 10:31:45.123Z  +1 min 0 s  test  labels team=payments
  2  2024-01-15 10:31:45.123Z  +1 min 0 s  test  output requirement, 13 bytes
  3  2024-01-15 10:31:45.123Z  +1 min 0 s  test  timing search_ms 1.25 s
  4  2024-01-15 10:31:45.123Z  +1 min 0 s  test  timing effort_ms 250 ms
  5  2024-01-15 10:31:45.123Z  +1 min 0 s  test  step intake
  6  2024-01-15 10:31:45.123Z  +1 min 0 s  test  status created → requirement_submitted
  7  2024-01-15 10:34:45.123Z  +4 min 0 s  test  status requirement_submitted → error: TimeoutError: no \\u001b[31manswer

Statuses
  created                1 min 0 s  ██████████
  requirement_submitted  3 min 0 s            ██████████████████████████████
  error                  since                                             ▏

Timings
  search  1.25 s  ████████████████████████████████████████
  effort  250 ms  ████████
`);
  });

  test('with --json gives the session, its events as they are stored, and its verification', async () => {
    const folder = await aFolder();
    const { stdout } = await impactSession(folder.path, ['show', ID, '--json'], {
      DATA_SESSIONS_PATH: folder.path,
    });
    const shown = JSON.parse(stdout);
    expect(Object.keys(shown)).toEqual(['session', 'audit_path', 'events', 'verification']);
    expect(shown.session).toEqual(JSON.parse(await folder.read(`2024-01-15/${ID}/session_metadata.json`)));
    const lines = (await folder.read(LOG)).trimEnd().split('\n');
    expect(shown.events.map((event: object) => JSON.stringify(event))).toEqual(lines);
    expect(shown.verification).toMatchObject({ valid: true, events: 8, problems: [] });
  });

  test('shows a session that was torn, with the problem, and ends with 1', async () => {
    const folder = await aFolder();
    await folder.write(LOG, `${await folder.read(LOG)}{"v":1`);
    const { code, stdout } = await impactSession(folder.path, ['show', ID, '--path', '.']);
    expect(code).toBe(1);
    expect(stdout).toContain('8 events, with problems: see below; head ');
    expect(stdout).toMatch(/Problems\n {2}8 {2}torn_tail {2}/);
  });

  test('does not show what a damaged log says', async () => {
    const folder = await aFolder();
    await folder.write(LOG, (await folder.read(LOG)).replace('"step":"intake"', '"step":"INTAKE"'));
    const { code, stdout, stderr } = await impactSession(folder.path, ['show', ID, '--path', '.']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^impact-session: Session \S+ is damaged.*hash does not match.*verify \. --session \S+ tells all\n$/,
    );
  });

  test('shows a session of the Python component, which has no trail', async () => {
    const folder = await aFolder();
    await folder.write(
      '2024-01-15/old-1/session_metadata.json',
      '{"status": "created", "timing": {"search": 5}}',
    );
    const { code, stdout } = await impactSession(folder.path, ['show', 'old-1', '--path', '.']);
    expect(code).toBe(0);
    expect(stdout).toContain('trail    none to verify: a folder of the Python component, without a log');
    expect(stdout).not.toContain('Events\n');
  });

  test('ends with 2 when there is no such session', async () => {
    const folder = await aFolder();
    const { code, stderr } = await impactSession(folder.path, ['show', 'nobody', '--path', '.']);
    expect([code, stderr]).toEqual([2, 'impact-session: There is no session nobody in .\n']);
  });
});

describe('text for a terminal', () => {
  test.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_250, '1.25 s'],
    [9_994, '9.99 s'],
    [9_996, '10.0 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 0 s'],
    [192_000, '3 min 12 s'],
    [3_599_600, '1 h 0 min'],
    [7_500_000, '2 h 5 min'],
    [100 * 86_400_000 + 4 * 3_600_000, '100 d 4 h'],
  ])('has %d milliseconds as %s', (ms, text) => expect(duration(ms)).toBe(text));

  test('has bars that are never invisible and never too long', () => {
    expect(bar(0, 1, 10)).toBe('██████████');
    expect(bar(0.5, 0.75, 8)).toBe('    ██');
    expect(bar(1, 1, 10)).toBe('         ▏');
    expect(bar(0, 0, 10)).toBe('▏');
    expect(bar(0.25, 5, 4)).toBe(' ███');
  });

  test('shows what a terminal would obey, and what turns text around, by its code', () => {
    expect(printable('a\u001b[2J\n\u202eb\u009b')).toBe('a\\u001b[2J\\u000a\\u202eb\\u009b');
  });

  test('counts and stands in columns', () => {
    expect([count(1, 'event'), count(12_345, 'event')]).toEqual(['1 event', '12,345 events']);
    expect(
      columns([
        ['a', 'bb', 'c'],
        ['ää', '', 'd'],
      ]),
    ).toEqual(['a   bb  c', 'ää      d']);
  });
});
