/** Folders that the Python component wrote: read as they are, adopted on their first change, never lost. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import {
  corruptedSession,
  listedSession,
  summarize,
  toDocument,
} from '../../src/session/domain/session-document.js';
import { naiveTimeToUtc } from '../../src/session/store/file/naive-time.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const ID = 'sess_20240115_103045_a1b2c3';
const DAY = '2024-01-15';
const makeFolder = dataFolders();

/** As `json.dump(metadata, f, indent=2)` writes it. */
const DOCUMENT = {
  session_id: ID,
  created_at: '2024-01-15T10:30:45.123456',
  status: 'matches_found',
  user_id: 'analyst@company.com',
  steps_completed: ['requirement_submitted'],
  timing: { search_ms: 1250 },
  model: 'the member of another time',
};
const TEXT = JSON.stringify(DOCUMENT, null, 2);

async function aPythonFolder(text: string | Uint8Array = TEXT, day = DAY, id = ID) {
  const folder = await makeFolder();
  await folder.write(`${day}/${id}/session_metadata.json`, text);
  return folder;
}

describe('a folder of the Python component', () => {
  test('is read as it is, and stays as it is', async () => {
    const folder = await aPythonFolder();
    const store = await folder.open();
    const { session, auditPath } = (await store.read(ID))!;
    expect(session).toMatchObject({
      createdAt: '2024-01-15T10:30:45.123Z',
      status: 'matches_found',
      userId: 'analyst@company.com',
      stepsCompleted: ['requirement_submitted'],
      timing: { search_ms: 1250 },
      revision: 0,
    });
    expect(toDocument(session)).toEqual(DOCUMENT);
    expect(auditPath).toBe(`${folder.path}/${DAY}/${ID}`);
    expect(await allEvents(store, ID)).toEqual([]);
    await folder.closeAll();
    expect(await readdir(folder.file(DAY, ID))).toEqual(['session_metadata.json']);
    expect(await folder.read(DAY, ID, 'session_metadata.json')).toBe(TEXT);
  });

  test('is adopted by its first change: the log begins with what it was, to the byte', async () => {
    const folder = await aPythonFolder();
    let store = await folder.open();
    await store.append(ID, patching({ status: 'matches_selected', stepsCompleted: ['matches_selected'] }));
    const [imported, ...changes] = await allEvents(store, ID);
    expect(imported).toMatchObject({ type: 'session_imported', actor: 'session-store', seq: 0 });
    expect(imported!.data.document).toBe(TEXT);
    expect(imported!.data.document_sha256).toBe(createHash('sha256').update(TEXT).digest('hex'));
    expect(changes.map((event) => event.type)).toEqual(['step_completed', 'status_changed']);
    await folder.closeAll();
    store = await folder.open();
    const { session } = (await store.read(ID))!;
    expect(session).toMatchObject({
      createdAt: '2024-01-15T10:30:45.123Z',
      status: 'matches_selected',
      userId: 'analyst@company.com',
      stepsCompleted: ['requirement_submitted', 'matches_selected'],
      revision: 3,
    });
    const view = JSON.parse(await folder.read(DAY, ID, 'session_metadata.json'));
    expect(view).toMatchObject({ session_id: ID, revision: 3, model: 'the member of another time' });
  });

  test('keeps every other file that lies in it', async () => {
    const folder = await aPythonFolder();
    await folder.write(`${DAY}/${ID}/step1_input/requirement.json`, '{"requirement_text":"old"}');
    const store = await folder.open();
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    expect(await folder.read(DAY, ID, 'step1_input/requirement.json')).toBe('{"requirement_text":"old"}');
  });

  test('is not changed by a command that is refused or that changes nothing', async () => {
    const folder = await aPythonFolder();
    const store = await folder.open();
    await expect(store.append(ID, patching({ status: 'completed' }))).rejects.toMatchObject({
      code: 'InvalidSessionStateError',
    });
    await store.append(ID, patching({ status: 'matches_found', timing: { search_ms: 1250 } }));
    await folder.closeAll();
    expect(await readdir(folder.file(DAY, ID))).toEqual(['session_metadata.json']);
  });

  test('that the Python component changes meanwhile is read anew', async () => {
    const folder = await aPythonFolder();
    const store = await folder.open();
    await store.read(ID);
    await folder.write(
      `${DAY}/${ID}/session_metadata.json`,
      TEXT.replace('matches_found', 'matches_selected'),
    );
    expect((await store.read(ID))!.session.status).toBe('matches_selected');
  });

  test('with more steps and timings than a session of ours may have can still be changed', async () => {
    const steps_completed = Array.from({ length: 1_001 }, (_, n) => `s${n}`);
    const timing = Object.fromEntries(steps_completed.map((step) => [`${step}_ms`, 1]));
    const folder = await aPythonFolder(JSON.stringify({ ...DOCUMENT, steps_completed, timing }));
    const store = await folder.open();
    expect(await store.append(ID, patching({ status: 'error' }))).toMatchObject({
      session: { status: 'error' },
    });
    await expect(store.append(ID, patching({ stepsCompleted: ['more'] }))).rejects.toMatchObject({
      code: 'SessionLimitError',
    });
  });

  test('with a revision of its own is not mistaken for the view of a log that lost events', async () => {
    const folder = await aPythonFolder(JSON.stringify({ ...DOCUMENT, revision: 99 }));
    let store = await folder.open();
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    await folder.closeAll();
    await folder.write(`${DAY}/${ID}/session_metadata.json`, JSON.stringify({ ...DOCUMENT, revision: 99 }));
    store = await folder.open();
    expect((await store.read(ID))!.session.revision).toBe(2);
  });

  test('of which an adoption was interrupted is still what it was', async () => {
    const folder = await aPythonFolder();
    await folder.write(`${DAY}/${ID}/events.jsonl.tmp`, '{"v":1,"sid":"half a line');
    const store = await folder.openAfterKill();
    expect((await store.read(ID))!.session.revision).toBe(0);
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    expect(await allEvents(store, ID)).toHaveLength(2);
  });

  test('gets the specification’s defaults for what its document leaves out', async () => {
    const folder = await aPythonFolder('{}');
    expect((await (await folder.open()).read(ID))!.session).toMatchObject({
      id: ID,
      createdAt: '2024-01-15T10:30:45.000Z',
      status: 'created',
      userId: null,
      stepsCompleted: [],
      timing: {},
    });
  });

  test('may begin with a byte order mark, which is kept', async () => {
    const folder = await aPythonFolder(`\ufeff${TEXT}`);
    const store = await folder.open();
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    expect((await allEvents(store, ID))[0]!.data.document).toBe(`\ufeff${TEXT}`);
  });

  test('has its times taken in the zone that was configured', async () => {
    const folder = await aPythonFolder();
    const store = await folder.open({ legacyTimeZone: 'Europe/Berlin' });
    expect((await store.read(ID))!.session.createdAt).toBe('2024-01-15T09:30:45.123Z');
  });

  test('under a minute folder is found by its id, and listed', async () => {
    const folder = await aPythonFolder(TEXT, `${DAY}-1030`);
    const store = await folder.open();
    expect((await store.read(ID))!.auditPath).toBe(`${folder.path}/${DAY}-1030/${ID}`);
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    await folder.closeAll();
    const page = await (await folder.open()).list({ limit: 10, counted: true });
    expect(page).toMatchObject({ total: 1, sessions: [{ id: ID, revision: 2 }] });
  });

  test('under an id of another scheme is found, listed, changed and found again', async () => {
    const other = 'Assessment-7.b';
    const folder = await aPythonFolder('{"status": "created"}', DAY, other);
    let store = await folder.open();
    expect((await store.read(other))!.session).toMatchObject({
      id: other,
      createdAt: '2024-01-15T00:00:00.000Z',
    });
    await store.append(other, patching({ stepsCompleted: ['x'] }));
    await folder.closeAll();
    store = await folder.open();
    expect((await store.read(other))!.session).toMatchObject({ stepsCompleted: ['x'], revision: 2 });
    expect((await store.list({ limit: 10, counted: true })).total).toBe(1);
    expect(await store.remove(other)).toBe(true);
  });

  test('that is there under two days is one session, the one its id leads to', async () => {
    const folder = await aPythonFolder();
    await folder.write(`${DAY}-1030/${ID}/session_metadata.json`, TEXT.replace('matches_found', 'created'));
    const store = await folder.open();
    const { sessions } = await store.list({ limit: 10, counted: true });
    expect(sessions).toMatchObject([{ status: 'matches_found' }]);
    expect(await store.append(ID, patching({ status: 'matches_selected' }))).toBeDefined();
    expect((await store.list({ limit: 1, offset: 1, counted: true })).sessions).toEqual([]);
    expect((await store.read(ID))!.session.status).toBe('matches_selected');
  });

  test('whose id names no day is the latest of those that have it, whichever was found first', async () => {
    const folder = await aPythonFolder();
    for (const [day, id] of [
      ['01', 'twice'],
      ['02', 'twice'],
      ['03', 'c'],
      ['04', 'd'],
    ])
      await folder.write(`2023-05-${day}/${id}/session_metadata.json`, `{"user_id": "${day}"}`);
    const store = await folder.open({ files: new WatchedFiles().files });
    await store.whenComplete();
    const { sessions } = await store.list({ limit: 10 });
    expect(sessions.map(({ id, userId }) => `${id} ${userId}`)).toContain('twice 02');
    expect((await store.read('twice'))?.session.userId).toBe('02');
  });

  test('is summed up in listings from its step files, before its adoption and after', async () => {
    const folder = await aPythonFolder();
    const requirement = { requirement_text: 'what they asked', jira_epic_id: 'E-1' };
    const summary = {
      jira_stories: { total_story_points: 13 },
      estimation_effort_output: { total_hours: 40 },
    };
    await folder.write(`${DAY}/${ID}/step1_input/requirement.json`, JSON.stringify(requirement));
    await folder.write(`${DAY}/${ID}/final_summary.json`, JSON.stringify(summary));
    const expected = { ...requirement, total_story_points: 13, total_hours: 40 };
    let store = await folder.open();
    expect(summarize((await store.read(ID))!.session)).toEqual(expected);
    await store.append(ID, patching({ stepsCompleted: ['x'] }));
    await folder.closeAll();
    store = await folder.open();
    expect(summarize((await store.read(ID))!.session)).toEqual(expected);
  });

  test('whose step files are broken is listed without what they would say', async () => {
    const folder = await aPythonFolder();
    await folder.write(`${DAY}/${ID}/step1_input/requirement.json`, '{broken');
    await mkdir(folder.file(DAY, ID, 'final_summary.json'));
    const store = await folder.open();
    expect(summarize((await store.read(ID))!.session).requirement_text).toBeNull();
  });
});

describe('a folder of our own grammar', () => {
  test('under another day than its id names is no session: neither listed nor found', async () => {
    const folder = await aPythonFolder(TEXT, '2024-01-16');
    const store = await folder.open();
    expect(await store.list({ limit: 10, counted: true })).toEqual({
      sessions: [],
      total: 0,
      next: null,
      complete: true,
    });
    expect(await store.read(ID)).toBeUndefined();
  });
});

describe('a folder that cannot be understood', () => {
  test.each([
    ['broken JSON', '{"status": '],
    ['no JSON object', '[1]'],
    ['bytes that are not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['a status that is a number', '{"status": 7}'],
    ['steps that are no list', '{"steps_completed": "a"}'],
    ['a timing that is negative', '{"timing": {"a_ms": -1}}'],
    ['a timing that no number can be', '{"timing": {"a_ms": 1e400}}'],
    ['JSON that is too deep to be written again', `{"a": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['a time that is none', '{"created_at": "yesterday"}'],
    ['the id of another session', '{"session_id": "sess_20240115_103045_ffffff"}'],
  ])('for it has %s is corrupted, itself alone', async (_, text) => {
    const folder = await aPythonFolder(text);
    const store = await folder.open();
    const other = await store.create(idsAt(BORN), opening());
    const corrupted = { code: 'SessionCorruptedError', details: { session_id: ID } };
    await expect(store.read(ID)).rejects.toMatchObject(corrupted);
    await expect(store.append(ID, patching({ status: 'error' }))).rejects.toMatchObject(corrupted);
    expect((await store.list({ limit: 10, counted: true })).sessions).toEqual([
      listedSession(other.session),
      corruptedSession(ID),
    ]);
  });

  test('for it has no metadata file is corrupted, itself alone', async () => {
    const folder = await makeFolder();
    await mkdir(folder.file(DAY, ID), { recursive: true });
    const store = await folder.open();
    await expect(store.read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    const page = await store.list({ limit: 10, counted: true });
    expect(page).toMatchObject({ sessions: [corruptedSession(ID)], total: 1 });
  });

  test.each<[string, (path: string) => unknown]>([
    ['a folder', (path) => mkdir(path)],
    ['a pipe, which nobody writes to', (path) => execFileSync('mkfifo', [path])],
    [
      'a file of more than 16 MiB',
      (path) => writeFile(path, '{}').then(() => truncate(path, 17 * 1024 * 1024)),
    ],
  ])('for its metadata file is %s is corrupted, itself alone', async (_, make) => {
    const folder = await makeFolder();
    await mkdir(folder.file(DAY, ID), { recursive: true });
    await make(folder.file(DAY, ID, 'session_metadata.json'));
    const store = await folder.open();
    await expect(store.read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    expect((await store.list({ limit: 1, counted: true })).sessions).toEqual([
      expect.objectContaining({ id: ID, status: 'corrupted' }),
    ]);
  });

  test('is never made over by a new session of the same id', async () => {
    const folder = await makeFolder();
    const [id] = [...idsAt(BORN, 0, 1)] as [string];
    await folder.write(`${DAY}/${id}/session_metadata.json`, '{broken');
    const store = await folder.open();
    const made = await store.create(idsAt(BORN), opening());
    expect(made.session.id).not.toBe(id);
    expect(await folder.read(DAY, id, 'session_metadata.json')).toBe('{broken');
  });

  test('does not keep files and folders of other names from being overlooked', async () => {
    const folder = await aPythonFolder();
    await folder.write('notes.txt', 'x');
    await folder.write(`${DAY}/README`, 'x');
    await folder.write('backup/sess_20240115_103045_bbbbbb/session_metadata.json', '{}');
    await folder.write(`${DAY}/.hidden/session_metadata.json`, '{}');
    expect((await (await folder.open()).list({ limit: 10, counted: true })).total).toBe(1);
  });
});

describe('a time without a zone', () => {
  test.each([
    ['2024-01-15T10:30:45.123456', 'UTC', '2024-01-15T10:30:45.123Z'],
    ['2024-01-15T10:30:45', 'UTC', '2024-01-15T10:30:45.000Z'],
    ['2024-01-15 10:30', 'UTC', '2024-01-15T10:30:00.000Z'],
    ['2024-07-15T10:30:45.5', 'Europe/Berlin', '2024-07-15T08:30:45.500Z'],
    ['2024-01-15T10:30:45', 'America/New_York', '2024-01-15T15:30:45.000Z'],
    ['2024-01-15T10:30:45', 'Asia/Kathmandu', '2024-01-15T04:45:45.000Z'],
    // Clocks go forward over 02:30 in Berlin on 31 March, and pass 02:30 twice on 27 October.
    ['2024-03-31T02:30:00', 'Europe/Berlin', '2024-03-31T01:30:00.000Z'],
    ['2024-10-27T02:30:00', 'Europe/Berlin', '2024-10-27T00:30:00.000Z'],
    ['2024-01-15T10:30:45+05:30', 'Europe/Berlin', '2024-01-15T05:00:45.000Z'],
    ['2024-01-15T10:30:45-0800', 'UTC', '2024-01-15T18:30:45.000Z'],
    ['2024-01-15T10:30:45Z', 'Europe/Berlin', '2024-01-15T10:30:45.000Z'],
    ['0050-06-01T12:00:00', 'UTC', '0050-06-01T12:00:00.000Z'],
    ['0001-06-01T12:00:00', 'Etc/GMT-2', '0001-06-01T10:00:00.000Z'],
    ['0000-06-01T12:00:00', 'UTC', '0000-06-01T12:00:00.000Z'],
  ])('%s in %s is %s', (text, zone, utc) => {
    expect(naiveTimeToUtc(text, zone)).toBe(utc);
  });

  test.each([
    '',
    'yesterday',
    '2024-02-30T10:00:00',
    '2024-01-15T25:00:00',
    '2024-01-15',
    '1705314645',
    '9999-12-31T23:30:00-01:00',
    '0000-01-01T00:00:00+01:00',
  ])('%j is none', (text) => {
    expect(naiveTimeToUtc(text, 'UTC')).toBeUndefined();
  });
});
