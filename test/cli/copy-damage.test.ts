/**
 * `impact-session copy` of a source that is not as it should be, or not as it is now: damaged sessions, writes that were stopped,
 * folders of the Python component.
 */

import { appendFile, mkdir, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';
import { type DataFolder, dataFolders } from '../store/a-folder.js';
import { aFolderOf, copy, FINISHED, sessionFiles, wholeFolder } from './a-store-to-copy.js';
import { impactSession } from './command.js';

const makeFolder = dataFolders();
let database: FreshDatabase;

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(() => database.drop());

const aFolder = (sessions: number) => aFolderOf(makeFolder, sessions);

describe('A damaged source', () => {
  const DAMAGED = 'sess_20240115_103045_000000';
  const LINE = `${DAMAGED}\t0\tline_altered\tline 1: the hash does not match the line\n`;

  async function damagedFolder(): Promise<DataFolder> {
    const folder = await aFolder(3);
    const log = await folder.read(`2024-01-15/${DAMAGED}/events.jsonl`);
    await folder.write(`2024-01-15/${DAMAGED}/events.jsonl`, log.replace('user 0', 'user X'));
    return folder;
  }

  test('is told line by line, and the copy is not finished: no server opens it', async () => {
    const folder = await damagedFolder();
    const { code, stdout, stderr } = await copy(`file:${folder.path}`, database.url);
    expect([code, stdout]).toEqual([1, LINE]);
    expect(stderr).toMatch(/not finished.*\n1 session is damaged and not copied: .*--leave-damaged/);
    await expect(PostgresStore.open({ url: database.url })).rejects.toMatchObject({ fault: 'half_copied' });
    const json = await copy(`file:${folder.path}`, database.url, '--json');
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
      1,
      { finished: false, damaged: 1, problems: [{ session_id: DAMAGED, seq: 0, kind: 'line_altered' }] },
    ]);
  });

  test('is mended and copied by the same command; or left behind, where that is asked for', async () => {
    const folder = await damagedFolder();
    const to = await makeFolder();
    await copy(`file:${folder.path}`, database.url);
    await copy(`file:${folder.path}`, `file:${to.path}`);
    const left = await copy(`file:${folder.path}`, `file:${to.path}`, '--leave-damaged');
    expect(left).toMatchObject({ code: 0, stdout: LINE });
    expect(left.stderr).toMatch(
      /2 sessions \(0 of them now\), 2 events copied .*; 1 damaged, left behind\n$/,
    );
    expect((await impactSession(to.path, ['verify', '.'])).stderr).toBe('2 sessions, 2 events: no problem\n');
    const log = await folder.read(`2024-01-15/${DAMAGED}/events.jsonl`);
    await folder.write(`2024-01-15/${DAMAGED}/events.jsonl`, log.replace('user X', 'user 0'));
    const mended = await copy(`file:${folder.path}`, database.url);
    expect([mended.code, mended.stdout]).toEqual([0, '']);
    expect(mended.stderr).toMatch(/3 sessions \(1 of them now\), 3 events copied/);
  });

  test('may be a database: rows without lines, lines without a row, lines of another', async () => {
    const store = await PostgresStore.open({ url: database.url });
    for (let n = 0; n < 4; n++) await store.create(idsAt(BORN, n), opening('me'));
    // Whole, and with an id that would be a path.
    await store.create(['../up'], opening('me'));
    await store.close();
    const id = (n: number) => `sess_20240115_103045_00000${n}`;
    await command(`DELETE FROM session_events WHERE session_id = '${id(0)}'`, database.url);
    await command(`DELETE FROM sessions WHERE id = '${id(1)}'`, database.url);
    await command(
      `UPDATE session_events SET line = (SELECT line FROM session_events WHERE session_id = '${id(3)}') WHERE session_id = '${id(2)}'`,
      database.url,
    );
    const to = await makeFolder();
    const { code, stdout } = await copy(database.url, `file:${to.path}`, '--leave-damaged');
    expect(code).toBe(0);
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t').slice(0, 3).join(' '));
    expect(new Set(told.map((line) => line.split(' ')[0]))).toEqual(new Set(['../up', id(0), id(1), id(2)]));
    expect(told).toContain(`${id(2)} 0 line_misplaced`);
    expect(told).toContain('../up - state_impossible');
    expect(Object.keys(await sessionFiles(to.path))).toEqual([
      `/2024-01-15/${id(3)}/events.jsonl`,
      `/2024-01-15/${id(3)}/session_metadata.json`,
    ]);
  });

  test('is not one whose last write was stopped, or whose view was lost: their events are whole', async () => {
    const [folder, to] = [await aFolder(3), await makeFolder()];
    const log = folder.file(`2024-01-15/${DAMAGED}/events.jsonl`);
    const whole = await sessionFiles(folder.path);
    await appendFile(log, '{"v":1,"sid":"half a line');
    await rm(folder.file('2024-01-15/sess_20240115_103045_000001/session_metadata.json'));
    const { code, stdout, stderr } = await copy(`file:${folder.path}`, `file:${to.path}`);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/_000000: torn_tail: a stopped write left bytes .* copied without that\n/);
    expect(stderr).toMatch(/_000001: view_missing: .* copied without that\n/);
    expect(await sessionFiles(to.path)).toEqual(whole);
  });
});

describe('A folder of the Python component', () => {
  const OLD = 'sess_20240115_103045_a1b2c3';
  const TEXT = JSON.stringify({
    session_id: OLD,
    created_at: '2024-01-15T10:30:45.123456',
    status: 'completed',
  });

  test('gets a log, from its document to the byte, and is a session like any other then', async () => {
    const [folder, back] = [await aFolder(1), await makeFolder()];
    await folder.write(`2024-01-15-1030/${OLD}/session_metadata.json`, TEXT);
    await folder.write(`2024-01-15-1030/${OLD}/step1_input/requirement.json`, '{"requirement_text": "Pay"}');
    await folder.write('2024-01-15/old_1/session_metadata.json', '{"status": "created"}');
    await mkdir(folder.file('not a session'));
    const before = await wholeFolder(folder.path);
    const there = await copy(`file:${folder.path}`, database.url);
    expect([there.code, there.stdout]).toEqual([0, '']);
    expect(there.stderr).toMatch(/^not copied, since it is no session: not a session\n/);
    expect(there.stderr).toMatch(/3 sessions, 3 events .*; 2 sessions of the Python component got a log\n/);
    expect(await wholeFolder(folder.path)).toEqual(before);
    const [{ line }] = (await command(
      `SELECT line FROM session_events WHERE session_id = '${OLD}'`,
      database.url,
    )) as [{ line: string }];
    expect(JSON.parse(line)).toMatchObject({
      type: 'session_imported',
      actor: 'session-store',
      data: { document: TEXT, created_at: '2024-01-15T10:30:45.123Z', summary: { requirement_text: 'Pay' } },
    });
    expect(await copy(database.url, `file:${back.path}`)).toEqual(FINISHED);
    expect((await impactSession(back.path, ['verify', '.'])).stderr).toBe(
      '3 sessions, 3 events: no problem\n',
    );
    const store = await back.open();
    expect((await store.read(OLD))!.session).toMatchObject({ status: 'completed', revision: 1 });
    await store.append('old_1', patching({ stepsCompleted: ['a'] }, new Date()));
    expect(await store.verify('old_1')).toMatchObject({ valid: true, events: 2 });
  });

  test('is imported at the time when the copy began, also by the command that goes on with it', async () => {
    const folder = await aFolder(1);
    await folder.write(`2024-01-15/${OLD}/session_metadata.json`, TEXT);
    await folder.write('2024-01-15/odd/session_metadata.json', '{');
    expect((await copy(`file:${folder.path}`, database.url)).stdout).toMatch(/^odd\t-\tfile_unreadable\t/);
    const begun = await command('SELECT copied_since FROM session_store', database.url);
    expect((await copy(`file:${folder.path}`, database.url, '--leave-damaged')).code).toBe(0);
    const [{ at }] = (await command(
      `SELECT line::json->>'at' AS at FROM session_events WHERE session_id = '${OLD}'`,
      database.url,
    )) as [{ at: string }];
    expect(begun).toEqual([{ copied_since: new Date(at) }]);
  });
});
