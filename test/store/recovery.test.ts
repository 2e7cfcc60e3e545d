/** What a stopped process or a careless hand left: torn tails, damage, views that lag, folders half made. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, symlink, truncate } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { SessionCorruptedError } from '../../src/session/domain/errors.js';
import { toDocument } from '../../src/session/domain/session-document.js';
import type { EventDraft } from '../../src/session/domain/session-event.js';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const ID = 'sess_20240115_103045_000000';
const OTHER = 'sess_20240115_103045_000001';
const DAY = '2024-01-15';
const LOG = `${DAY}/${ID}/events.jsonl`;
const VIEW = `${DAY}/${ID}/session_metadata.json`;

const makeFolder = dataFolders();

/** A folder with a session of three events and one beside it, closed cleanly. */
async function aStore(): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await store.create(idsAt(BORN), opening());
  await store.append(ID, patching({ stepsCompleted: ['a'] }));
  await store.append(ID, patching({ stepsCompleted: ['b'] }));
  await folder.closeAll();
  return folder;
}

async function corruption(store: FileStore, id = ID): Promise<string> {
  const error = (await store.read(id).then(
    () => undefined,
    (reason) => reason,
  )) as SessionCorruptedError;
  expect(error).toMatchObject({ code: 'SessionCorruptedError', details: { session_id: id } });
  expect(error.message).toBe(`Session ${id} is corrupted`);
  return (error.cause as Error).message;
}

describe('a torn tail', () => {
  const tails = {
    'of half a line': '{"v":1,"sid":"sess_2024',
    'of one byte': '{',
    'of a whole line of rubbish': 'rubbish\n',
    'of zeros, as a power cut leaves them': '\0'.repeat(100),
  };

  test.each(Object.entries(tails))('%s is not seen by readers, who change nothing', async (_, tail) => {
    const folder = await aStore();
    const before = await folder.read(LOG);
    await folder.write(LOG, before + tail);
    const store = await folder.openAfterKill();
    expect((await store.read(ID))!.session).toMatchObject({ stepsCompleted: ['a', 'b'], revision: 3 });
    expect(await allEvents(store, ID)).toHaveLength(3);
    expect(await folder.read(LOG)).toBe(before + tail);
  });

  test.each(Object.entries(tails))('%s is kept, cut off and told of by the next change', async (_, tail) => {
    const folder = await aStore();
    await folder.write(LOG, (await folder.read(LOG)) + tail);
    let store = await folder.openAfterKill();
    await store.append(ID, patching({ stepsCompleted: ['c'] }));
    const events = await allEvents(store, ID);
    expect(events.map((event) => event.type).slice(3)).toEqual(['log_recovered', 'step_completed']);
    const file = 'events.jsonl.torn-1';
    const sha256 = createHash('sha256').update(tail).digest('hex');
    expect(events[3]).toMatchObject({
      actor: 'session-store',
      data: { file, bytes: tail.length, sha256 },
    });
    expect(await folder.read(DAY, ID, file)).toBe(tail);
    await folder.closeAll();
    store = await folder.open();
    expect((await store.read(ID))!.session).toMatchObject({ stepsCompleted: ['a', 'b', 'c'], revision: 5 });
  });

  test('that happens again is kept beside the first', async () => {
    const folder = await aStore();
    for (const tail of ['first', 'second']) {
      await folder.write(LOG, (await folder.read(LOG)) + tail);
      const store = await folder.openAfterKill();
      await store.append(ID, patching({ stepsCompleted: [tail] }));
      await folder.closeAll();
    }
    expect(await folder.read(DAY, ID, 'events.jsonl.torn-1')).toBe('first');
    expect(await folder.read(DAY, ID, 'events.jsonl.torn-2')).toBe('second');
  });

  test('of a command of several events takes back the whole command', async () => {
    const folder = await aStore();
    const events = ['c', 'd', 'e'].map((step) => ({ type: 'step_completed' as const, data: { step } }));
    const before = await readFile(folder.file(LOG));
    const after = await folder.extendLog(DAY, ID, { at: BORN, actor: null, events });
    const ends = [...after.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1);
    for (const length of [ends[3]!, ends[4]!, ends[4]! + 10]) {
      await folder.write(LOG, after);
      await truncate(folder.file(LOG), length);
      const store = await folder.openAfterKill();
      expect((await store.read(ID))!.session.stepsCompleted).toEqual(['a', 'b']);
      await folder.closeAll();
    }
    await folder.write(LOG, after);
    const store = await folder.openAfterKill();
    expect((await store.read(ID))!.session.stepsCompleted).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(before.length).toBe(ends[2]);
  });
});

describe('a last line that no stopped write leaves', () => {
  test.each<[string, (lines: string[]) => string]>([
    ['is there twice', (lines) => lines[2]!],
    ['is an earlier one again', (lines) => lines[0]!],
  ])(
    'because it %s is corruption, not a torn tail, though the view does not know of it',
    async (_, again) => {
      const folder = await aStore();
      const log = await folder.read(LOG);
      await folder.write(LOG, `${log}${again(log.split('\n'))}\n`);
      expect(await corruption(await folder.openAfterKill())).toMatch(/^event 3 of the log: seq is/);
    },
  );
});

describe('damage', () => {
  test('in a line that the view knows of is corruption, and nothing of it is touched', async () => {
    const folder = await aStore();
    const damaged = (await folder.read(LOG)).replace('"step":"b"', '"step":"B"');
    await folder.write(LOG, damaged);
    const store = await folder.openAfterKill();
    expect(await corruption(store)).toBe('event 2 of the log: the hash does not match the line');
    await expect(store.append(ID, patching({ stepsCompleted: ['c'] }))).rejects.toMatchObject({
      code: 'SessionCorruptedError',
    });
    await expect(store.events(ID, { limit: 1 })).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    expect(await folder.read(LOG)).toBe(damaged);
  });

  test('in the middle is corruption though no view is left', async () => {
    const folder = await aStore();
    await folder.write(LOG, (await folder.read(LOG)).replace('"step":"a"', '"step":"A"'));
    await rm(folder.file(VIEW));
    expect(await corruption(await folder.open())).toMatch(/^event 1 of the log/);
  });

  test('that took away events which the view knows of is corruption: acknowledged events were lost', async () => {
    const folder = await aStore();
    const lines = (await folder.read(LOG)).split('\n');
    await folder.write(LOG, `${lines.slice(0, 2).join('\n')}\n`);
    expect(await corruption(await folder.open())).toMatch(/the view knows of 3 events and the log has 2/);
  });

  test.each([
    ['an empty log', ''],
    ['a log with half a first line', '{"v":1'],
  ])('that left %s is corruption', async (_, log) => {
    const folder = await aStore();
    await folder.write(LOG, log);
    await rm(folder.file(VIEW));
    expect(await corruption(await folder.open())).toBeDefined();
  });

  test('of a log that is gone is not taken for a folder of the Python component', async () => {
    const folder = await aStore();
    await rm(folder.file(LOG));
    expect(await corruption(await folder.open())).toMatch(/events.jsonl is missing/);
  });

  test('while the store is open is found before a change is made on it', async () => {
    const folder = await aStore();
    const store = await folder.open();
    await store.read(ID);
    await folder.write(LOG, `${await folder.read(LOG)}\n`);
    const changing = store.append(ID, patching({ stepsCompleted: ['c'] }));
    await expect(changing).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    expect(await folder.read(LOG)).not.toContain('"c"');
  });

  test('that is well chained and makes no sense is corruption', async () => {
    const folder = await aStore();
    const odd = { type: 'output_recorded', data: { name: 'x' } } as unknown as EventDraft;
    await folder.extendLog(DAY, ID, { at: BORN, actor: null, events: [odd] });
    expect(await corruption(await folder.open())).toBe('the events of the log make no state');
  });

  test('that begins a session twice is corruption', async () => {
    const folder = await aStore();
    await folder.extendLog(DAY, ID, opening());
    expect(await corruption(await folder.open())).toBe('the events of the log make no state');
  });

  test('of one session is nothing to the others, and the list says of which, once it was read', async () => {
    const folder = await aStore();
    await folder.write(LOG, 'rubbish\nrubbish\n');
    let store = await folder.open();
    await store.append(OTHER, patching({ stepsCompleted: ['x'] }));
    const statuses = async () => {
      const { sessions, total } = await store.list({ limit: 10, counted: true });
      expect(total).toBe(2);
      return Object.fromEntries(sessions.map(({ id, status }) => [id, status]));
    };
    expect(await statuses()).toEqual({ [OTHER]: 'created', [ID]: 'created' });
    await expect(store.read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    expect(await statuses()).toEqual({ [OTHER]: 'created', [ID]: 'corrupted' });
    await folder.closeAll();
    store = await folder.open();
    expect(await statuses()).toEqual({ [OTHER]: 'created', [ID]: 'corrupted' });
  });

  test('that was mended is listed again when it was read', async () => {
    const folder = await aStore();
    const log = await folder.read(LOG);
    await folder.write(LOG, 'rubbish\nrubbish\n');
    let store = await folder.open();
    await expect(store.read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    await folder.closeAll();
    await folder.write(LOG, log);
    store = await folder.open();
    await store.read(ID);
    expect((await store.list({ limit: 10, filter: { statuses: ['corrupted'] } })).sessions).toEqual([]);
    expect((await store.list({ limit: 10 })).sessions).toHaveLength(2);
  });

  test('can be taken away', async () => {
    const folder = await aStore();
    await folder.write(LOG, 'rubbish\nrubbish\n');
    const store = await folder.open();
    expect(await store.remove(ID)).toBe(true);
    expect(existsSync(folder.file(DAY, ID))).toBe(false);
  });
});

describe('a view', () => {
  test.each([
    ['missing', undefined],
    ['altered', '{"status": "completed"}'],
    ['torn', '{"session_id": "se'],
    ['behind', '{"revision": 1}'],
    ['empty, as a power cut leaves it', ''],
  ])('that is %s is made again from the log when the session is touched', async (_, content) => {
    const folder = await aStore();
    if (content === undefined) await rm(folder.file(VIEW));
    else await folder.write(VIEW, content);
    const store = await folder.open();
    const { session } = (await store.read(ID))!;
    await folder.closeAll();
    expect(JSON.parse(await folder.read(VIEW))).toEqual(toDocument(session));
  });

  test('that cannot be written is warned of once, and written when the disk takes it again', async () => {
    const folder = await aStore();
    let full = true;
    const files = {
      ...systemFiles,
      writeFile: (async (...args: Parameters<typeof systemFiles.writeFile>) => {
        if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return systemFiles.writeFile(...args);
      }) as typeof systemFiles.writeFile,
    };
    const store = await folder.open({ files });
    await store.append(ID, patching({ stepsCompleted: ['c'] }));
    expect((await store.read(ID))!.session.revision).toBe(4);
    while (folder.warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    full = false;
    await folder.closeAll();
    expect(folder.warnings).toHaveLength(1);
    expect(JSON.parse(await folder.read(VIEW)).revision).toBe(4);
  });
});

test('a day that is a link to another folder is served and listed as any other', async () => {
  const folder = await aStore();
  await rename(folder.file(DAY), folder.file('elsewhere'));
  await symlink(folder.file('elsewhere'), folder.file(DAY));
  const store = await folder.open();
  expect((await store.read(ID))!.session.revision).toBe(3);
  expect((await store.list({ limit: 10, counted: true })).total).toBe(2);
});

test('a view is never written through a link that lies in the way', async () => {
  const folder = await aStore();
  await folder.write('victim', 'mine');
  await symlink(folder.file('victim'), folder.file(`${VIEW}.tmp`));
  const store = await folder.open();
  await store.append(ID, patching({ stepsCompleted: ['c'] }));
  await folder.closeAll();
  expect(await folder.read('victim')).toBe('mine');
  expect(JSON.parse(await folder.read(VIEW)).revision).toBe(4);
});

test('a view that could not be written is tried again by itself, when the disk has recovered', async () => {
  const folder = await aStore();
  const disk = new WatchedFiles();
  const store = await folder.open({ files: disk.files });
  disk.fail = (call) => (call.startsWith('writeFile') ? 'ENOSPC' : undefined);
  await store.append(ID, patching({ stepsCompleted: ['c'] }));
  while (folder.warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
  disk.fail = () => undefined;
  const isWritten = () => disk.calls.some((call) => call.startsWith('rename') && call.endsWith(VIEW));
  while (!isWritten()) await new Promise((resolve) => setImmediate(resolve));
  await folder.closeAll();
  expect(JSON.parse(await folder.read(VIEW)).revision).toBe(4);
});

describe('after an unclean stop', () => {
  test('folders half made or half removed are taken away, and their ids are free', async () => {
    const folder = await aStore();
    await folder.write(`${DAY}/.tmp-sess_20240115_103045_000007/events.jsonl`, 'half');
    await folder.write(`${DAY}/.tmp-removed-x/events.jsonl`, 'half');
    const store = await folder.openAfterKill();
    expect((await readdir(folder.file(DAY))).sort()).toEqual([ID, OTHER]);
    const made = await store.create(idsAt(BORN, 7), opening());
    expect(made.session.id).toBe('sess_20240115_103045_000007');
  });

  test('what was half removed loses its files only when it is durably out of its place', async () => {
    const folder = await aStore();
    await rename(folder.file(DAY, ID), folder.file(DAY, '.tmp-removed-x'));
    const disk = new WatchedFiles();
    await folder.openAfterKill({ files: disk.files });
    const [sync, sweep] = [`sync ${folder.file(DAY)}`, `rm ${folder.file(DAY, '.tmp-removed-x')}`];
    expect(disk.calls.filter((call) => call === sync || call === sweep)).toEqual([sync, sweep]);
  });

  test('what was written last is made durable before it is read', async () => {
    const folder = await aStore();
    const calls: string[] = [];
    const files = recording(calls);
    const afterKill = await folder.openAfterKill({ files });
    await afterKill.read(ID);
    expect(calls).toContain(`datasync ${folder.file(LOG)}`);
    expect(calls).toContain(`sync ${folder.file(DAY)}`);
  });

  test('all is looked through and made durable: the start after a clean stop syncs nothing again', async () => {
    const folder = await aStore();
    const calls: string[] = [];
    await folder.openAfterKill({ files: recording(calls) });
    expect(calls).toContain(`datasync ${folder.file(LOG)}`);
    await folder.closeAll();
    calls.length = 0;
    const store = await folder.open({ files: recording(calls) });
    await store.read(ID);
    expect(calls.filter((call) => call.includes(DAY))).toEqual([]);
  });

  test('that was followed by another before all was looked through, the next start goes on with it', async () => {
    const folder = await aStore();
    const files = {
      ...systemFiles,
      opendir: () => Promise.reject(new Error('not now')),
    } as typeof systemFiles;
    await folder.openAfterKill({ files });
    await folder.closeAll();
    const calls: string[] = [];
    await folder.open({ files: recording(calls) });
    expect(calls).toContain(`datasync ${folder.file(LOG)}`);
  });

  test('never was one, nothing is synced that was synced already', async () => {
    const folder = await aStore();
    const calls: string[] = [];
    const store = await folder.open({ files: recording(calls) });
    await store.read(ID);
    expect(calls.filter((call) => call.includes(DAY))).toEqual([]);
  });
});

/** The system's files, noting every sync. */
function recording(calls: string[]): typeof systemFiles {
  const open = async (...args: Parameters<typeof systemFiles.open>) => {
    const file = await systemFiles.open(...args);
    for (const name of ['sync', 'datasync'] as const) {
      const call = file[name].bind(file);
      file[name] = () => {
        calls.push(`${name} ${String(args[0])}`);
        return call();
      };
    }
    return file;
  };
  return { ...systemFiles, open };
}
