/**
 * The crash test's own eyes: it has to see each thing that a kill could leave wrong on the disk or in the answers, and
 * nothing on a folder that is right.
 */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { patching } from '../../src/testing/contract/store-under-test.js';
import { Random } from '../random.js';
import { dataFolders } from '../store/a-folder.js';
import { compareAnswers, walkList } from './answers.js';
import type { Reply } from './connection.js';
import { leftovers, readSessions, sessionsIn, tearLog } from './data-folder.js';

const folders = dataFolders();
const ID = 'sess_20240115_103045_a1b2c3';
const DAY = '2024-01-15';
let root: string;

/** A folder with one session of three events, closed cleanly. */
beforeEach(async () => {
  const folder = await folders();
  root = folder.path;
  const store = await folder.open();
  const at = new Date('2024-01-15T10:30:45.123Z');
  const data = { user_id: null, status: 'created', labels: { made_by: 'c1' } };
  await store.create([ID], { at, actor: null, events: [{ type: 'session_created', data }] });
  await store.append(ID, patching({ stepsCompleted: ['first'] }, at));
  await store.append(ID, patching({ stepsCompleted: ['second'] }, at));
  await store.close();
});

const log = () => join(root, DAY, ID, 'events.jsonl');
const view = () => join(root, DAY, ID, 'session_metadata.json');
const read = () => readSessions(root, sessionsIn(root));

describe('Of a data folder on the disk', () => {
  test('a right one has no faults, and its events are read', () => {
    const { logs, faults, torn, late } = read();
    expect({ faults, torn, late, left: leftovers(root) }).toEqual({ faults: [], torn: 0, late: 0, left: [] });
    expect(logs.get(ID)?.map(({ what }) => what.split(' ')[0])).toEqual([
      'session_created',
      'step_completed',
      'step_completed',
    ]);
  });

  test('a torn tail is counted and is no fault', () => {
    const whole = read().logs;
    tearLog(join(root, DAY, ID), new Random(1));
    expect(read()).toEqual({ logs: whole, faults: [], torn: 1, late: 0 });
  });

  test('a late view is counted and is no fault', async () => {
    const document = JSON.parse(await readFile(view(), 'utf8'));
    const [, second = ''] = (await readFile(log(), 'utf8')).split('\n');
    await writeFile(view(), JSON.stringify({ ...document, revision: 2, head: JSON.parse(second).hash }));
    expect(read()).toMatchObject({ faults: [], late: 1 });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'an altered event',
      async () => writeFile(log(), (await readFile(log(), 'utf8')).replace('first', 'FIRST')),
      `event 1 of ${ID} does not verify: the hash does not match the line`,
    ],
    ['a log that is gone', () => rm(log()), `${ID} has no events.jsonl`],
    ['a view that is gone', () => rm(view()), `the view of ${ID} is not there`],
    [
      'a torn view',
      () => writeFile(view(), '{"session_id":'),
      `the view of ${ID} is torn: its 14 bytes are no JSON`,
    ],
    [
      'a view ahead of its log',
      async () => writeFile(log(), `${(await readFile(log(), 'utf8')).split('\n').slice(0, 2).join('\n')}\n`),
      `the view of ${ID} knows of event 2, and the log ends with 1`,
    ],
    [
      'a view of another log',
      async () => writeFile(view(), (await readFile(view(), 'utf8')).replace(/"head": "../, '"head": "--')),
      `the view of ${ID} has another hash for event 2 than the log`,
    ],
  ])('%s is told', async (_what, spoil, sentence) => {
    await spoil();
    expect(read().faults).toContain(sentence);
  });

  test('a half made folder is told', async () => {
    await mkdir(join(root, DAY, `.tmp-${ID}`));
    expect(leftovers(root)).toEqual([`${DAY}/.tmp-${ID} is left over after the restart`]);
    expect(read().faults).toEqual([]);
  });
});

describe('Of the answers of a server', () => {
  const item = { session_id: ID, status: 'created', revision: 3 };
  let replies: Record<string, Reply>;
  const get = async (path: string) => replies[path.replace(/\?.*/, '')] as Reply;
  const answer = (body: object, revision = 0): Reply => ({ status: 200, revision, body });
  const faults = async () => {
    const listing = await walkList(get, 1, true);
    return [...listing.faults, ...(await compareAnswers(get, read().logs, listing.items))];
  };

  beforeEach(() => {
    const head = read().logs.get(ID)?.at(-1)?.hash;
    replies = {
      '/session/list': answer({ sessions: [item], total: 1 }),
      [`/session/${ID}`]: answer({ status: 'created' }, 3),
      [`/session/${ID}/audit`]: answer({ data: { status: 'created', revision: 3, head } }, 3),
    };
  });

  test('right ones have no faults', async () => {
    expect(await faults()).toEqual([]);
  });

  test.each<[string, string, Reply, RegExp]>([
    [
      'a wrong total',
      '/session/list',
      answer({ sessions: [item], total: 2 }),
      /says that there are 2 sessions, not 1/,
    ],
    [
      'a session that is not listed',
      '/session/list',
      answer({ sessions: [], total: 1 }),
      /has 0 of 1 sessions/,
    ],
    [
      'a session that is listed twice',
      '/session/list',
      answer({ sessions: [item, item], total: 1 }),
      /^the list has \S+ twice$/,
    ],
    [
      'a revision in the list that is not the audit’s',
      '/session/list',
      answer({ sessions: [{ ...item, revision: 2 }], total: 1 }),
      /^the list shows \S+ as created at 2, its audit as created at 3$/,
    ],
    [
      'a status in the list that is not the audit’s',
      '/session/list',
      answer({ sessions: [{ ...item, status: 'corrupted' }], total: 1 }),
      /^the list shows \S+ as corrupted at 3/,
    ],
    [
      'a session at another revision than its audit',
      `/session/${ID}`,
      answer({ status: 'created' }, 2),
      /at 2, and/,
    ],
    [
      'a session of another status than its audit',
      `/session/${ID}`,
      answer({ status: 'error' }, 3),
      /is error at 3/,
    ],
    [
      'an audit that is not at the end of the log',
      `/session/${ID}/audit`,
      answer({ data: { status: 'created', revision: 2, head: '' } }),
      /ends with event 1, the log with 2$/,
    ],
    [
      'a session that is not found',
      `/session/${ID}`,
      { status: 404, revision: 0, body: {} },
      /answered .+: 404/,
    ],
    ['a list that is cut off', '/session/list', 'cut', /list\S+ was answered after the restart: cut/],
  ])('%s is told', async (_what, path, reply, sentence) => {
    replies[path] = reply;
    expect(await faults()).toContainEqual(expect.stringMatching(sentence));
  });
});
