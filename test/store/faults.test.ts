/**
 * The durability protocol, call by call, and what happens when a call fails: nothing acknowledged is lost, nothing
 * half done is seen, and the outcome that is told is the true one.
 */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { SharedSyncs } from '../../src/session/store/file/durable-file.js';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const ID = 'sess_20240115_103045_000000';
const DAY = '2024-01-15';

const makeFolder = dataFolders();

async function watched(): Promise<{ folder: DataFolder; store: FileStore; disk: WatchedFiles }> {
  const folder = await makeFolder();
  const disk = new WatchedFiles();
  const store = await folder.open({ files: disk.files });
  disk.calls.length = 0;
  return { folder, store, disk };
}

/** The calls as noted, without the data folder's path. */
const relative = (folder: DataFolder, calls: readonly string[]) =>
  calls.map((call) => call.replaceAll(`${folder.path}/`, '').replaceAll(folder.path, '.'));

const unavailable = (outcome: string) =>
  expect.objectContaining({ code: 'StoreUnavailableError', outcome, details: { outcome } });

describe('create', () => {
  test('syncs the log, the folder and the day folder, in this order, before it acknowledges', async () => {
    const { folder, store, disk } = await watched();
    await store.create(idsAt(BORN), opening());
    const building = `${DAY}/.tmp-${ID}`;
    const writing = relative(folder, disk.calls).filter(
      (call) => !/^(readFile|open|stat|readdir)/.test(call),
    );
    expect(writing).toEqual([
      `mkdir ${DAY}`,
      'sync .',
      `mkdir ${building}`,
      `write ${building}/events.jsonl`,
      `datasync ${building}/events.jsonl`,
      `writeFile ${building}/session_metadata.json ${writing[5]!.split(' ').slice(2).join(' ')}`,
      `sync ${building}`,
      `rename ${building} ${DAY}/${ID}`,
      `sync ${DAY}`,
    ]);
  });

  test.each([
    ['mkdir', 'ENOSPC'],
    ['open .*events.jsonl', 'EMFILE'],
    ['write ', 'ENOSPC'],
    ['writeFile', 'EIO'],
    ['rename', 'EIO'],
  ])(
    'that fails at "%s" leaves nothing behind, says so, and works when the fault is gone',
    async (call, code) => {
      const { folder, store, disk } = await watched();
      disk.fail = (made) => (new RegExp(`^${call}`).test(made) ? code : undefined);
      await expect(store.create(idsAt(BORN), opening())).rejects.toEqual(unavailable('not_applied'));
      disk.fail = () => undefined;
      expect(await store.read(ID)).toBeUndefined();
      expect(await store.list({ limit: 10, counted: true })).toEqual({
        sessions: [],
        total: 0,
        next: null,
        complete: true,
      });
      const made = await store.create(idsAt(BORN), opening());
      expect(made.session.id).toBe(ID);
      await folder.closeAll();
      expect((await (await folder.open()).read(ID))!.session.revision).toBe(1);
    },
  );

  test('whose folder could not be synced is not seen, is not retried, and stops all writing', async () => {
    const { store, disk } = await watched();
    disk.fail = (call) => (call.endsWith(`/${DAY}`) && call.startsWith('sync') ? 'EIO' : undefined);
    await expect(store.create(idsAt(BORN), opening())).rejects.toEqual(unavailable('unknown'));
    disk.fail = () => undefined;
    expect(await store.read(ID)).toBeUndefined();
    expect(await store.list({ limit: 10, counted: true })).toEqual({
      sessions: [],
      total: 0,
      next: null,
      complete: true,
    });
    await expect(store.create(idsAt(BORN, 1), opening())).rejects.toEqual(unavailable('not_applied'));
    expect(await store.health()).toMatchObject({
      writable: false,
      reason: expect.stringContaining('sync of'),
    });
  });

  test('takes another id when a folder of that name appears while it works, and leaves that folder alone', async () => {
    const { folder, store, disk } = await watched();
    disk.before = async (call) => {
      if (!call.startsWith('rename') || !call.endsWith(ID)) return;
      await folder.write(`${DAY}/${ID}/session_metadata.json`, 'somebody else’s');
    };
    const made = await store.create(idsAt(BORN), opening());
    expect(made.session.id).not.toBe(ID);
    expect(await folder.read(DAY, ID, 'session_metadata.json')).toBe('somebody else’s');
  });

  test('takes another id than one that lies in a minute folder of the Python component', async () => {
    const folder = await makeFolder();
    await folder.write(`${DAY}-1030/${ID}/session_metadata.json`, '{}');
    const store = await folder.open();
    expect((await store.create(idsAt(BORN), opening())).session.id).not.toBe(ID);
  });

  test('is not listed before it is durable', async () => {
    const { store, disk } = await watched();
    let listed: unknown;
    disk.before = async (call) => {
      if (call.startsWith('sync') && call.endsWith(`/${DAY}`))
        listed = await store.list({ limit: 10, counted: true });
    };
    await store.create(idsAt(BORN), opening());
    expect(listed).toEqual({ sessions: [], total: 0, next: null, complete: true });
  });

  test('whose folder could not be opened for its sync is unknown; it shows after the next start', async () => {
    const { folder, store, disk } = await watched();
    disk.fail = (call) => (call === `open ${folder.file(DAY)}` ? 'EMFILE' : undefined);
    await expect(store.create(idsAt(BORN), opening())).rejects.toEqual(unavailable('unknown'));
    disk.fail = () => undefined;
    expect(await store.read(ID)).toBeUndefined();
    expect(await store.create(idsAt(BORN), opening())).toMatchObject({ session: { revision: 1 } });
    await folder.closeAll();
    const calls: string[] = [];
    disk.before = async (call) => void calls.push(call);
    const again = await folder.open({ files: disk.files });
    expect(await again.read(ID)).toBeDefined();
    expect(calls).toContain(`sync ${folder.file(DAY)}`);
  });

  test('syncs the folder above a day folder that it finds: who made that may not have come to it', async () => {
    const { folder, store, disk } = await watched();
    disk.fail = (call) => (call === `open ${folder.path}` ? 'EMFILE' : undefined);
    await expect(store.create(idsAt(BORN), opening())).rejects.toEqual(unavailable('not_applied'));
    disk.fail = () => undefined;
    disk.calls.length = 0;
    await store.create(idsAt(BORN), opening());
    expect(disk.calls).toContain(`sync ${folder.path}`);
  });

  test('whose place is in a file’s way says that it cannot be written, not that the second is full', async () => {
    const { folder, store } = await watched();
    await folder.write(DAY, 'a file');
    await expect(store.create(idsAt(BORN), opening())).rejects.toMatchObject({
      message: 'The store could not write',
    });
  });

  test('by hundreds at once works on 64 at a time, so that open files do not run out', async () => {
    const { store, disk } = await watched();
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.create(idsAt(BORN, n * 256), opening())));
    let underWay = 0;
    let most = 0;
    for (const call of disk.calls) {
      if (call.startsWith('mkdir') && call.includes('.tmp-')) underWay++;
      if (call.startsWith('rename') && call.includes('.tmp-')) underWay--;
      most = Math.max(most, underWay);
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(64);
  });

  test('by many at once shares the syncs of their day folder', async () => {
    const { folder, store, disk } = await watched();
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.create(idsAt(BORN, n * 256), opening())));
    const syncs = relative(folder, disk.calls).filter((call) => call === `sync ${DAY}`);
    expect(syncs.length).toBeLessThan(50);
    expect(syncs.length).toBeGreaterThan(0);
  });
});

describe('append', () => {
  const started = async () => {
    const all = await watched();
    await all.store.create(idsAt(BORN), opening());
    all.disk.calls.length = 0;
    return all;
  };
  const step = (name: string) => patching({ stepsCompleted: [name] });
  const isLog = (call: string) => call.endsWith('/events.jsonl');

  test('checks the length, writes and syncs the log, and nothing else, before it acknowledges', async () => {
    const { folder, store, disk } = await started();
    await store.append(ID, step('a'));
    const calls = relative(folder, disk.calls).slice(0, 4);
    expect(calls).toEqual(
      ['open', 'stat', 'write', 'datasync'].map((call) => `${call} ${DAY}/${ID}/events.jsonl`),
    );
  });

  test('is not seen by any reader before it is synced', async () => {
    const { store, disk } = await started();
    const seen: number[] = [];
    let reading: Promise<unknown> = Promise.resolve();
    disk.fail = (call) => {
      if (call.startsWith('datasync') && isLog(call)) {
        reading = Promise.all([store.read(ID), store.events(ID, { limit: 10 })]).then(([read, page]) => {
          seen.push(read!.session.revision, page!.events.length);
        });
      }
      return undefined;
    };
    await store.append(ID, step('a'));
    await reading;
    expect(seen[0]).toBe(1);
    expect((await store.read(ID))!.session.revision).toBe(2);
  });

  test.each([
    ['open', 'EMFILE'],
    ['stat', 'EIO'],
    ['write', 'ENOSPC'],
  ])(
    'that fails at "%s" with %s is undone, says so, and works when the fault is gone',
    async (call, code) => {
      const { folder, store, disk } = await started();
      disk.fail = (made) => (made.startsWith(`${call} `) && isLog(made) ? code : undefined);
      await expect(store.append(ID, step('a'))).rejects.toEqual(unavailable('not_applied'));
      disk.fail = () => undefined;
      expect((await store.read(ID))!.session.revision).toBe(1);
      await store.append(ID, step('b'));
      await folder.closeAll();
      const reopened = await folder.open();
      expect((await reopened.read(ID))!.session.stepsCompleted).toEqual(['b']);
      expect(await allEvents(reopened, ID)).toHaveLength(2);
    },
  );

  test('goes on where a write took fewer bytes than it was given', async () => {
    const { folder, store, disk } = await started();
    disk.bytesAtOnce = 7;
    await store.append(ID, step('a'));
    await folder.closeAll();
    expect(await allEvents(await folder.open(), ID)).toHaveLength(2);
  });

  test('that wrote half is undone: the log is what it was, to the byte', async () => {
    const { folder, store, disk } = await started();
    const whole = await folder.read(DAY, ID, 'events.jsonl');
    disk.bytesBeforeFailure = 20;
    disk.fail = (call) => (call.startsWith('write ') && isLog(call) ? 'ENOSPC' : undefined);
    await expect(store.append(ID, step('a'))).rejects.toEqual(unavailable('not_applied'));
    expect(await folder.read(DAY, ID, 'events.jsonl')).toBe(whole);
  });

  test('that wrote half and could not undo it is recovered by the next one', async () => {
    const { folder, store, disk } = await started();
    const log = folder.file(DAY, ID, 'events.jsonl');
    const whole = await folder.read(DAY, ID, 'events.jsonl');
    disk.fail = (call) => {
      if (call === `write ${log}`) return 'EIO';
      return call === `truncate ${log}` ? 'EIO' : undefined;
    };
    await expect(store.append(ID, step('a'))).rejects.toEqual(unavailable('not_applied'));
    await folder.write(`${DAY}/${ID}/events.jsonl`, `${whole}{"v":1,"si`);
    disk.fail = () => undefined;
    expect((await store.read(ID))!.session.revision).toBe(1);
    await store.append(ID, step('b'));
    expect((await allEvents(store, ID)).map((event) => event.type)).toEqual([
      'session_created',
      'log_recovered',
      'step_completed',
    ]);
  });

  test('whose sync failed is unknown: readers keep what was, nothing is written any more, and it says why', async () => {
    const { folder, store, disk } = await started();
    disk.fail = (call) => (call.startsWith('datasync') && isLog(call) ? 'EIO' : undefined);
    await expect(store.append(ID, step('a'))).rejects.toEqual(unavailable('unknown'));
    disk.fail = () => undefined;
    const syncs = disk.calls.filter((call) => call.startsWith('datasync'));
    expect(syncs).toHaveLength(1);
    expect((await store.read(ID))!.session.revision).toBe(1);
    expect(await allEvents(store, ID)).toHaveLength(1);
    await expect(store.append(ID, step('b'))).rejects.toEqual(unavailable('not_applied'));
    await expect(store.remove(ID)).rejects.toEqual(unavailable('not_applied'));
    expect(folder.warnings).toEqual([
      expect.stringMatching(/sync of .*events.jsonl failed: nothing is written/),
    ]);
    await folder.closeAll();
    // It was only the acknowledgement that was missing: the restart reads what the disk has.
    expect((await (await folder.open()).read(ID))!.session.revision).toBe(2);
  });

  test('to a session that cannot be read just now says so, and nobody mistakes it for a missing one', async () => {
    const { folder, store, disk } = await started();
    await folder.closeAll();
    const again = await folder.open({ files: disk.files });
    disk.fail = (call) => (call.startsWith('readFile') ? 'EMFILE' : undefined);
    await expect(again.read(ID)).rejects.toEqual(unavailable('not_applied'));
    await expect(again.append(ID, step('a'))).rejects.toEqual(unavailable('not_applied'));
    disk.fail = () => undefined;
    expect(await again.read(ID)).toBeDefined();
    expect(store).not.toBe(again);
  });
});

describe('a torn tail', () => {
  test('is kept, and its entry in the folder synced, before the log without it is put in place', async () => {
    const { folder, store, disk } = await watched();
    await store.create(idsAt(BORN), opening());
    await folder.closeAll();
    await folder.write(`${DAY}/${ID}/events.jsonl`, `${await folder.read(DAY, ID, 'events.jsonl')}torn`);
    const again = await folder.open({ files: disk.files });
    disk.calls.length = 0;
    await again.append(ID, patching({ stepsCompleted: ['a'] }));
    const calls = relative(folder, disk.calls).filter((call) => /^(rename|sync|datasync)/.test(call));
    const log = `${DAY}/${ID}/events.jsonl`;
    expect(calls.slice(0, 5)).toEqual([
      `datasync ${log}.torn-1`,
      `sync ${DAY}/${ID}`,
      `datasync ${log}.tmp`,
      `rename ${log}.tmp ${log}`,
      `sync ${DAY}/${ID}`,
    ]);
  });
});

describe('a log that is put in place as a whole', () => {
  test('is synced, and then the entry in its folder, before the change is acknowledged', async () => {
    const { folder, store, disk } = await watched();
    await folder.write(`${DAY}/${ID}/session_metadata.json`, '{}');
    await store.append(ID, patching({ stepsCompleted: ['a'] }));
    const log = `${DAY}/${ID}/events.jsonl`;
    const calls = relative(folder, disk.calls).filter((call) => /^(write |rename|sync|datasync)/.test(call));
    expect(calls.slice(0, 4)).toEqual([
      `write ${log}.tmp`,
      `datasync ${log}.tmp`,
      `rename ${log}.tmp ${log}`,
      `sync ${DAY}/${ID}`,
    ]);
  });

  test('and whose entry could not be synced is unknown: readers keep what was', async () => {
    const { folder, store, disk } = await watched();
    await folder.write(`${DAY}/${ID}/session_metadata.json`, '{}');
    disk.fail = (call) => (call === `sync ${folder.file(DAY, ID)}` ? 'EIO' : undefined);
    const changing = store.append(ID, patching({ stepsCompleted: ['a'] }));
    await expect(changing).rejects.toEqual(unavailable('unknown'));
    expect((await store.read(ID))!.session).toMatchObject({ revision: 0, stepsCompleted: [] });
    expect(await allEvents(store, ID)).toEqual([]);
  });
});

describe('a session of which an outcome is unknown', () => {
  test('takes no further command until the next start, so that nothing is written over what may be there', async () => {
    const { folder, store, disk } = await watched();
    await folder.write(`${DAY}/${ID}/session_metadata.json`, '{}');
    const step = (name: string) => store.append(ID, patching({ stepsCompleted: [name] }));
    disk.fail = (call) => (call === `open ${folder.file(DAY, ID)}` ? 'EMFILE' : undefined);
    await expect(step('one')).rejects.toEqual(unavailable('unknown'));
    disk.fail = () => undefined;
    await expect(step('two')).rejects.toEqual(unavailable('not_applied'));
    await expect(store.remove(ID)).rejects.toEqual(unavailable('not_applied'));
    expect(await store.health()).toEqual({ writable: true });
    await folder.closeAll();
    const again = await folder.open();
    await again.append(ID, patching({ stepsCompleted: ['three'] }));
    expect((await again.read(ID))!.session.stepsCompleted).toEqual(['one', 'three']);
  });

  test('that nobody had read before is shown as it was, without events that cannot be vouched for', async () => {
    const { folder, store, disk } = await watched();
    await store.create(idsAt(BORN), opening());
    await folder.closeAll();
    const again = await folder.open({ files: disk.files });
    disk.fail = (call) => (call === `sync ${folder.file(DAY)}` ? 'EIO' : undefined);
    await expect(again.remove(ID)).rejects.toEqual(unavailable('unknown'));
    expect((await again.read(ID))!.session.revision).toBe(1);
    await expect(again.events(ID, { limit: 1 })).rejects.toEqual(unavailable('unknown'));
  });
});

describe('a session that was left unsynced by a kill', () => {
  test('is not shown when it cannot be synced now, and nothing is written any more', async () => {
    const folder = await makeFolder();
    await (await folder.open()).create(idsAt(BORN), opening());
    const disk = new WatchedFiles();
    disk.fail = (call) => (call.startsWith('datasync') ? 'EIO' : undefined);
    let store = await folder.openAfterKill({ files: disk.files });
    await expect(store.read(ID)).rejects.toEqual(unavailable('not_applied'));
    expect((await store.list({ limit: 1 })).sessions).toMatchObject([{ id: ID, status: 'corrupted' }]);
    expect(await store.health()).toMatchObject({ writable: false });
    await folder.closeAll();
    disk.fail = () => undefined;
    disk.calls.length = 0;
    store = await folder.open({ files: disk.files });
    expect(disk.calls).toContain(`datasync ${folder.file(DAY, ID, 'events.jsonl')}`);
    expect((await store.list({ limit: 1 })).sessions).toMatchObject([{ id: ID, status: 'created' }]);
  });
});

describe('remove', () => {
  const started = async () => {
    const all = await watched();
    await all.store.create(idsAt(BORN), opening());
    all.disk.calls.length = 0;
    return all;
  };

  test('syncs the day folder before it acknowledges, and deletes only then', async () => {
    const { folder, store, disk } = await started();
    await store.remove(ID);
    const calls = relative(folder, disk.calls).filter((call) => /^(rename|sync|rm)/.test(call));
    expect(calls.map((call) => call.split('removed-')[0])).toEqual([
      `rename ${DAY}/${ID} ${DAY}/.tmp-`,
      `sync ${DAY}`,
      `rm ${DAY}/.tmp-`,
    ]);
  });

  test('whose sync failed is unknown: readers keep what was', async () => {
    const { store, disk } = await started();
    disk.fail = (call) => (call.startsWith('sync') ? 'EIO' : undefined);
    await expect(store.remove(ID)).rejects.toEqual(unavailable('unknown'));
    expect((await store.read(ID))!.session.revision).toBe(1);
  });

  test('waits for the view that is being written, so that none appears after it', async () => {
    const { folder, store, disk } = await started();
    let removing: Promise<boolean> | undefined;
    let gone: boolean | undefined;
    disk.before = async (call) => {
      if (!call.startsWith('rename') || !call.endsWith('session_metadata.json')) return;
      removing ??= store.remove(ID);
      // The view is not in place yet, and the removal has all the time it wants.
      for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
      gone = disk.calls.some((made) => made.startsWith('rename') && made.includes('.tmp-removed-'));
    };
    await store.append(ID, patching({ stepsCompleted: ['a'] }));
    while (!removing) await new Promise((resolve) => setImmediate(resolve));
    expect(await removing).toBe(true);
    expect(gone).toBe(false);
    expect(folder.warnings).toEqual([]);
  });

  test('that could not delete what is left is done; the next start tries again, though the stop was clean', async () => {
    const { folder, store, disk } = await started();
    disk.fail = (call) => (call.startsWith('rm') ? 'EBUSY' : undefined);
    expect(await store.remove(ID)).toBe(true);
    expect(folder.warnings).toEqual([expect.stringContaining('could not be deleted')]);
    await folder.closeAll();
    expect(await readdir(folder.file(DAY))).toHaveLength(1);
    await folder.open();
    expect(await readdir(folder.file(DAY))).toEqual([]);
  });
});

describe('opening', () => {
  test('makes a new store’s folders, format and lock note durable before anything is answered', async () => {
    const folder = await makeFolder();
    const disk = new WatchedFiles();
    await folder.open({ files: disk.files });
    const calls = relative(folder, disk.calls).filter((call) => /^(mkdir|rename|sync|datasync)/.test(call));
    expect(calls).toEqual([
      'mkdir .',
      'mkdir .store',
      'sync .',
      'datasync .store/format.json.tmp',
      'rename .store/format.json.tmp .store/format.json',
      'sync .store',
      'sync .store/lock',
    ]);
  });

  test('after a kill makes durable what was made in the data folder and in its days', async () => {
    const folder = await makeFolder();
    await (await folder.open()).create(idsAt(BORN), opening());
    const disk = new WatchedFiles();
    await folder.openAfterKill({ files: disk.files });
    expect(disk.calls).toContain(`sync ${folder.path}`);
    expect(disk.calls).toContain(`sync ${folder.file(DAY)}`);
  });
});

describe('a clean stop', () => {
  test('whose mark could not be synced does not read as one, and the folder can be opened again', async () => {
    const { folder, store, disk } = await watched();
    disk.fail = (call) => (call === `sync ${folder.file('.store', 'lock')}` ? 'EIO' : undefined);
    await expect(store.close()).rejects.toThrow(/EIO/);
    expect(JSON.parse(await folder.read('.store', 'lock'))).toMatchObject({ pid: process.pid });
    folder.forget();
    expect(await (await folder.open()).health()).toEqual({ writable: true });
  });
});

describe('while the index is not complete', () => {
  test('an id of another scheme is looked for, and a day that cannot be read says nothing of the session', async () => {
    const folder = await makeFolder();
    await folder.open();
    await folder.closeAll();
    await folder.write(`${DAY}/old-1/session_metadata.json`, '{}');
    await folder.write(`${DAY}/old-2/session_metadata.json`, '{}');
    const disk = new WatchedFiles();
    disk.fail = (call) => (call.startsWith('opendir') ? 'EMFILE' : undefined);
    const store = await folder.open({ files: disk.files });
    expect(await store.read('old-1')).toBeDefined();
    expect(await store.read('unknown')).toBeUndefined();
    expect(await store.list({ limit: 10 })).toMatchObject({ complete: false });
    expect(folder.warnings).toEqual([expect.stringMatching(/index could not be completed/)]);
    disk.fail = (call) => (call === `stat ${folder.file(DAY, 'old-2')}` ? 'EACCES' : undefined);
    await expect(store.read('old-2')).rejects.toEqual(unavailable('not_applied'));
  });
});

describe('a lock that is taken away', () => {
  test.each<[string, (lock: string) => Promise<unknown>]>([
    ['deleted', (lock) => rm(lock)],
    ['replaced', (lock) => rm(lock).then(() => writeFile(lock, ''))],
    ['deleted with its folder', (lock) => rm(dirname(lock), { recursive: true })],
  ])('by being %s lets a second writer in, so the first one stops writing', async (_, takeAway) => {
    jest.useFakeTimers({
      doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'clearTimeout', 'queueMicrotask'],
    });
    try {
      const { folder, store } = await watched();
      await store.create(idsAt(BORN), opening());
      await takeAway(folder.file('.store', 'lock'));
      jest.setSystemTime(Date.now() + 1_000);
      const step = patching({ stepsCompleted: ['a'] });
      await expect(store.append(ID, step)).rejects.toEqual(unavailable('not_applied'));
      await expect(store.create(idsAt(BORN), opening())).rejects.toEqual(unavailable('not_applied'));
      expect(await store.health()).toMatchObject({
        writable: false,
        reason: expect.stringContaining('lock file'),
      });
      expect((await store.read(ID))!.session.revision).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('too many commands', () => {
  test('on one session are turned away, and those that wait are done', async () => {
    const { store } = await watched();
    await store.create(idsAt(BORN), opening());
    const asked = Array.from({ length: 1_100 }, (_, n) =>
      store.append(ID, patching({ timing: { [`t${n % 500}_ms`]: n } })),
    );
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(100);
    for (const { reason } of refused) expect(reason).toEqual(unavailable('not_applied'));
    expect((await store.read(ID))!.session.revision).toBe(1_001);
  });
});

describe('the sync that many share', () => {
  test('serves all who asked before it began; who asks while it runs gets the next', async () => {
    const disk = new WatchedFiles();
    const shared = new SharedSyncs(disk.files);
    const folder = await makeFolder();
    const syncs = () => disk.calls.filter((call) => call.startsWith('sync')).length;
    const before = Promise.all([
      shared.folder(folder.path),
      shared.folder(folder.path),
      shared.folder(folder.path),
    ]);
    let late: Promise<void> | undefined;
    disk.fail = (call) => {
      if (call.startsWith('sync'))
        late ??= Promise.all([shared.folder(folder.path), shared.folder(folder.path)]).then();
      return undefined;
    };
    await before;
    expect(syncs()).toBe(1);
    await late;
    expect(syncs()).toBe(2);
  });

  test('tells each that its sync failed, and everybody who asks after that: a retry would report success', async () => {
    const disk = new WatchedFiles();
    const shared = new SharedSyncs(disk.files);
    const folder = await makeFolder();
    disk.fail = (call) => (call.startsWith('sync') ? 'EIO' : undefined);
    const failing = [shared.folder(folder.path), shared.folder(folder.path)];
    await expect(Promise.allSettled(failing)).resolves.toEqual([
      expect.objectContaining({ status: 'rejected' }),
      expect.objectContaining({ status: 'rejected' }),
    ]);
    disk.fail = () => undefined;
    await expect(shared.folder(folder.path)).rejects.toThrow(/sync of .* failed/);
    const other = await makeFolder();
    await expect(shared.folder(other.path)).resolves.toBeUndefined();
  });
});
