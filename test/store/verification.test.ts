/**
 * Verification of what lies on the disk: by the running store, which also knows what it wrote, and by a reader beside
 * it or on a copy, which takes no lock and changes nothing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { Verification } from '../../src/session/domain/verification.js';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { FolderReader } from '../../src/session/store/file/folder-reader.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { type DataFolder, dataFolders } from './a-folder.js';
import { WatchedFiles } from './failing-files.js';

const ID = 'sess_20240115_103045_000000';
const OTHER = 'sess_20240115_103045_000001';
const DAY = '2024-01-15';
const LOG = `${DAY}/${ID}/events.jsonl`;
const VIEW = `${DAY}/${ID}/session_metadata.json`;
const step = (name: string) => patching({ stepsCompleted: [name] });

const makeFolder = dataFolders();

/** A folder with a session of three events and one of one, and the store that has it open. */
async function aStore(): Promise<{ folder: DataFolder; store: FileStore }> {
  const folder = await makeFolder();
  const store = await folder.open();
  await store.create(idsAt(BORN), opening());
  await store.create(idsAt(BORN), opening());
  await store.append(ID, step('a'));
  await store.append(ID, step('b'));
  return { folder, store };
}

const kinds = (verification: Verification | undefined) =>
  verification?.problems.map(({ kind, seq }) => [kind, seq]);

describe('a running store', () => {
  test('finds what was altered under it, though it has the state in memory and goes on showing that', async () => {
    const { folder, store } = await aStore();
    await folder.write(LOG, (await folder.read(LOG)).replace('"step":"a"', '"step":"A"'));
    expect(kinds(await store.verify(ID))).toEqual([['line_altered', 1]]);
    expect((await store.read(ID))!.session.stepsCompleted).toEqual(['a', 'b']);
    expect(kinds(await store.verify(OTHER))).toEqual([]);
  });

  test('finds that acknowledged events were taken away, with the view set back as well', async () => {
    const { folder, store } = await aStore();
    const lines = (await folder.read(LOG)).split('\n');
    await folder.write(LOG, `${lines.slice(0, 2).join('\n')}\n`);
    await rm(folder.file(VIEW));
    expect(kinds(await store.verify(ID))).toEqual([
      ['events_missing', 2],
      ['view_missing', null],
    ]);
  });

  test('finds events that it did not write, though every hash and link of them is right', async () => {
    const { folder, store } = await aStore();
    const forged = { type: 'step_completed' as const, data: { step: 'forged' } };
    await folder.extendLog(DAY, ID, { at: BORN, actor: 'somebody', events: [forged] });
    expect(kinds(await store.verify(ID))).toEqual([['events_added', 3]]);
  });

  test('finds a log that was taken away, a folder that is empty, and a file that is none', async () => {
    const { folder, store } = await aStore();
    await folder.closeAll();
    const again = await folder.open();
    await rm(folder.file(LOG));
    expect(kinds(await again.verify(ID))).toEqual([['log_missing', null]]);
    await rm(folder.file(VIEW));
    expect(kinds(await again.verify(ID))).toEqual([['log_missing', null]]);
    await mkdir(folder.file(LOG));
    expect(kinds(await again.verify(ID))).toEqual([['file_unreadable', null]]);
    expect(store).not.toBe(again);
  });

  test('finds that its log was taken away, though what lies there now reads as a folder of the Python component', async () => {
    const { folder, store } = await aStore();
    await rm(folder.file(LOG));
    await folder.write(VIEW, `{"session_id": "${ID}", "status": "completed"}`);
    expect(kinds(await store.verify(ID))).toEqual([['log_missing', null]]);
    await rm(folder.file(DAY, ID), { recursive: true });
    expect(kinds(await store.verify(ID))).toEqual([['log_missing', null]]);
  });

  test('finds an altered view as often as it is asked: asking does not make it anew', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    await folder.write(
      VIEW,
      (await folder.read(VIEW)).replace('"status": "created"', '"status": "completed"'),
    );
    const altered = await folder.read(VIEW);
    const store = await folder.open();
    for (let n = 0; n < 3; n++) expect(kinds(await store.verify(ID))).toEqual([['view_altered', null]]);
    await folder.closeAll();
    expect(await folder.read(VIEW)).toBe(altered);
  });

  test.each<[string, object]>([
    ['a line format that is an object', { v: { toString: null } }],
    ['an actor that is an object', { actor: {} }],
    ['data as deep as no stack', { data: { step: 'a', x: 'DEEP' } }],
  ])('goes on listing and verifying the others where somebody sealed %s', async (_, change) => {
    const { folder } = await aStore();
    await folder.closeAll();
    const lines = (await folder.read(LOG)).trimEnd().split('\n');
    const { hash: _hash, ...last } = JSON.parse(lines.pop()!);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const body = JSON.stringify({ ...last, ...change }).replace('"DEEP"', deep);
    const hash = createHash('sha256').update(`session-event/1\n${body}`).digest('hex');
    await folder.write(LOG, `${[...lines, `${body.slice(0, -1)},"hash":"${hash}"}`].join('\n')}\n`);
    const store = await folder.open();
    expect((await store.list({ limit: 10, counted: true })).sessions).toHaveLength(2);
    expect(kinds(await store.verify(OTHER))).toEqual([]);
    const reader = await FolderReader.open({ path: folder.path });
    const verified: string[] = [];
    for await (const { id } of reader.verifyAll()) verified.push(id);
    expect(verified.sort()).toEqual([ID, OTHER]);
  });

  test.each(['events.jsonl', 'session_metadata.json'])(
    'does not wait for a pipe in the place of %s',
    async (name) => {
      const { folder } = await aStore();
      await folder.closeAll();
      await rm(folder.file(DAY, ID, name));
      execFileSync('mkfifo', [folder.file(DAY, ID, name)]);
      const store = await folder.open();
      expect(await store.verify(ID)).toMatchObject({
        problems: [{ kind: 'file_unreadable', message: `${name} is no regular file` }],
      });
      await expect(store.read(ID)).rejects.toMatchObject({ code: 'SessionCorruptedError' });
    },
  );

  test('tells a torn tail, and no longer when the next change has recovered the log', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    await folder.write(LOG, `${await folder.read(LOG)}{"v":1`);
    const store = await folder.openAfterKill();
    expect(await store.verify(ID)).toMatchObject({
      valid: false,
      events: 3,
      problems: [{ kind: 'torn_tail', seq: 3 }],
    });
    await store.append(ID, step('c'));
    expect(await store.verify(ID)).toMatchObject({ valid: true, events: 5 });
  });

  test('finds that the bytes which a recovery cut off were altered or taken away', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    await folder.write(LOG, `${await folder.read(LOG)}{"v":1`);
    const store = await folder.openAfterKill();
    await store.append(ID, step('c'));
    const copy = `${DAY}/${ID}/events.jsonl.torn-1`;
    await folder.write(copy, '{"v":2');
    expect(kinds(await store.verify(ID))).toEqual([['torn_copy_altered', 3]]);
    await rm(folder.file(copy));
    expect(kinds(await store.verify(ID))).toEqual([['torn_copy_altered', 3]]);
  });

  test('does not follow an event that names another file than a recovery makes', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    const sha256 = createHash('sha256').update('there').digest('hex');
    await folder.write(`${DAY}/outside`, 'there');
    const forged = { type: 'log_recovered' as const, data: { file: '../outside', bytes: 5, sha256 } };
    await folder.extendLog(DAY, ID, { at: BORN, actor: null, events: [forged] });
    const store = await folder.open();
    expect(kinds(await store.verify(ID))).toEqual([['torn_copy_altered', 3]]);
  });

  test('tells nothing of a folder of the Python component, but that it cannot be read', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    await folder.write(`${DAY}/old-1/session_metadata.json`, '{"status": "created"}');
    const store = await folder.open();
    expect(await store.verify('old-1')).toEqual({ valid: true, events: 0, head: null, problems: [] });
    await folder.write(`${DAY}/old-1/session_metadata.json`, '{"status":');
    expect(kinds(await store.verify('old-1'))).toEqual([['file_unreadable', null]]);
  });

  test('does not verify a session while nobody knows what became of its last change', async () => {
    const folder = await makeFolder();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    await store.create(idsAt(BORN), opening());
    disk.fail = (call) => (call.startsWith('datasync') ? 'EIO' : undefined);
    await expect(store.append(ID, step('a'))).rejects.toMatchObject({ outcome: 'unknown' });
    disk.fail = () => undefined;
    await expect(store.verify(ID)).rejects.toMatchObject({ code: 'StoreUnavailableError' });
  });

  test('that cannot read says so, and not that the trail is damaged', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    const disk = new WatchedFiles();
    const store = await folder.open({ files: disk.files });
    disk.fail = (call) => (call.startsWith('readFile') ? 'EMFILE' : undefined);
    await expect(store.verify(ID)).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      outcome: 'not_applied',
    });
  });
});

describe('a reader of the folder', () => {
  const verifyAll = async (reader: FolderReader) => {
    const found: [string, unknown][] = [];
    for await (const { id, verification } of reader.verifyAll()) found.push([id, kinds(verification)]);
    return found.sort();
  };

  test('verifies all sessions beside the store that writes, and changes nothing', async () => {
    const { folder } = await aStore();
    const view = async () => JSON.parse(await folder.read(VIEW));
    while ((await view()).revision < 3) await new Promise((resolve) => setImmediate(resolve));
    const before = await readdir(folder.path, { recursive: true });
    const lock = (await stat(folder.file('.store/lock'))).mtimeMs;
    const reader = await FolderReader.open({ path: folder.path });
    expect(await reader.count()).toBe(2);
    expect(await verifyAll(reader)).toEqual([
      [ID, []],
      [OTHER, []],
    ]);
    expect(await readdir(folder.path, { recursive: true })).toEqual(before);
    expect((await stat(folder.file('.store/lock'))).mtimeMs).toBe(lock);
  });

  test('verifies a copy, and finds a session that was moved into it from another store', async () => {
    const [{ folder }, { folder: second }] = [await aStore(), await aStore()];
    const copy = await makeFolder();
    await cp(folder.path, copy.path, { recursive: true });
    await cp(second.file(DAY, ID), copy.file(DAY, ID), { recursive: true });
    expect(await verifyAll(await FolderReader.open({ path: copy.path }))).toEqual([
      [ID, [['line_misplaced', 0]]],
      [OTHER, []],
    ]);
  });

  test('finds a session whose folder was renamed, and one that was moved under another day', async () => {
    const { folder } = await aStore();
    await rename(folder.file(DAY, ID), folder.file(DAY, 'sess_20240115_103045_00000f'));
    await mkdir(folder.file('2024-01-16'));
    await rename(folder.file(DAY, OTHER), folder.file('2024-01-16', OTHER));
    expect(await verifyAll(await FolderReader.open({ path: folder.path }))).toEqual([
      [OTHER, [['folder_misplaced', null]]],
      ['sess_20240115_103045_00000f', expect.arrayContaining([['line_misplaced', 0]])],
    ]);
  });

  test('passes over what is no session: half made folders, files, folders of other names', async () => {
    const { folder } = await aStore();
    await mkdir(folder.file(DAY, '.tmp-sess_20240115_103045_000009'));
    await writeFile(folder.file(DAY, 'sess_20240115_103045_000008'), '');
    await mkdir(folder.file('notes'));
    await symlink(folder.file(DAY), folder.file('2024-01-17'));
    const reader = await FolderReader.open({ path: folder.path });
    // What is linked as another day leads to the same sessions, which do not belong there.
    expect((await verifyAll(reader)).filter(([, found]) => (found as unknown[]).length === 0)).toHaveLength(
      2,
    );
  });

  test('gives no false alarm while sessions are made, changed and taken away', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    const reader = await FolderReader.open({ path: folder.path });
    let writing = true;
    const alarms: unknown[] = [];
    const ids = idsAt(BORN, 0, 4_096)[Symbol.iterator]();
    const write = async () => {
      while (writing) {
        const { session } = await store.create(once(ids), opening());
        const big = { outputs: { text: 'x'.repeat(20_000) }, stepsCompleted: ['a', 'b'] };
        for (let n = 0; n < 5; n++)
          await store.append(session.id, patching({ ...big, timing: { [`t${n}_ms`]: n } }));
        if (Math.random() < 0.3) await store.remove(session.id);
      }
    };
    const writers = [write(), write(), write(), write()];
    for (let round = 0; round < 15; round++) {
      for await (const { id, verification } of reader.verifyAll())
        if (!verification.valid) alarms.push([id, verification.problems]);
    }
    writing = false;
    await Promise.all(writers);
    expect(alarms).toEqual([]);
  });

  test('that meets a writer in the middle of a write looks again', async () => {
    const { folder } = await aStore();
    await folder.closeAll();
    const whole = await folder.read(LOG);
    await folder.write(LOG, `${whole}{"v":1`);
    let reads = 0;
    const readFile = (async (path: string, ...rest: []) => {
      const bytes = await systemFiles.readFile(path, ...rest);
      // The write comes to its end after the first look.
      if (path.endsWith('events.jsonl') && ++reads === 1) await folder.write(LOG, whole);
      return bytes;
    }) as typeof systemFiles.readFile;
    const reader = await FolderReader.open({ path: folder.path, files: { ...systemFiles, readFile } });
    expect((await reader.verify(ID))!.verification.problems).toEqual([]);
    expect(reads).toBeGreaterThan(1);
  });

  test('reads the view before the log: one that moves on meanwhile is not ahead of it', async () => {
    const { folder, store } = await aStore();
    await folder.closeAll();
    const [log, view] = [await folder.read(LOG), await folder.read(VIEW)];
    const again = await folder.open();
    await again.append(ID, step('c'));
    await folder.closeAll();
    const [newLog, newView] = [await folder.read(LOG), await folder.read(VIEW)];
    await folder.write(LOG, log);
    await folder.write(VIEW, view);
    const looks: string[] = [];
    const readFile = (async (path: string, ...rest: []) => {
      const bytes = await systemFiles.readFile(path, ...rest);
      looks.push(path);
      if (path.includes(ID)) await Promise.all([folder.write(LOG, newLog), folder.write(VIEW, newView)]);
      return bytes;
    }) as typeof systemFiles.readFile;
    const reader = await FolderReader.open({ path: folder.path, files: { ...systemFiles, readFile } });
    expect((await reader.verify(ID))!.verification).toMatchObject({ valid: true, events: 4 });
    expect(looks.filter((path) => path.endsWith(LOG))).toHaveLength(1);
    await folder.write(LOG, log);
    await folder.write(VIEW, view);
    expect((await reader.read(ID))!.session.revision).toBe(4);
    expect(store).not.toBe(again);
  });

  test('goes on where a bad spot of the disk keeps it from one session', async () => {
    const { folder } = await aStore();
    const disk = new WatchedFiles();
    disk.fail = (call) => (call.startsWith('readFile') && call.includes(ID) ? 'EIO' : undefined);
    const reader = await FolderReader.open({ path: folder.path, files: disk.files });
    expect(await verifyAll(reader)).toEqual([
      [ID, [['file_unreadable', null]]],
      [OTHER, []],
    ]);
  });

  test('holds no more than a few outcomes while one session keeps it waiting, and reads large logs one by one', async () => {
    const folder = await makeFolder();
    const store = await folder.open();
    for (let n = 0; n < 150; n++) await store.create(idsAt(BORN, n * 256), opening());
    const later = new Date('2024-01-16T00:00:00Z');
    for (let n = 0; n < 3; n++) {
      const { session } = await store.create(idsAt(later, n), opening());
      for (let part = 0; part < 3; part++)
        await store.append(session.id, patching({ outputs: { [`o${part}`]: 'x'.repeat(500_000) } }));
    }
    await folder.closeAll();
    const begun = new Set<string>();
    let first: string | undefined;
    let [underWay, most] = [0, 0];
    const { promise: waiting, resolve: goOn } = deferred();
    const readFile = (async (path: string, ...rest: []) => {
      if (!path.includes('sess_')) return systemFiles.readFile(path, ...rest);
      const session = path.split('/').at(-2) as string;
      begun.add(session);
      first ??= session;
      if (session === first && begun.size < 150) await waiting;
      const isLarge = path.includes('2024-01-16') && path.endsWith('.jsonl');
      if (isLarge) most = Math.max(most, ++underWay);
      const bytes = await systemFiles.readFile(path, ...rest);
      if (isLarge) underWay--;
      return bytes;
    }) as typeof systemFiles.readFile;
    const reader = await FolderReader.open({ path: folder.path, files: { ...systemFiles, readFile } });
    const verifying = verifyAll(reader);
    let before = -1;
    for (let quiet = 0; quiet < 50; quiet++) {
      if (begun.size !== before) quiet = 0;
      before = begun.size;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(begun.size).toBeLessThanOrEqual(66);
    goOn();
    expect(await verifying).toHaveLength(153);
    expect(most).toBe(1);
  });

  test('passes over a session that is taken away while it looks', async () => {
    const { folder } = await aStore();
    const statOnce = (async (path: string, ...rest: []) => {
      if (path.endsWith(VIEW)) await rm(folder.file(DAY, ID), { recursive: true, force: true });
      return systemFiles.stat(path, ...rest);
    }) as typeof systemFiles.stat;
    const reader = await FolderReader.open({ path: folder.path, files: { ...systemFiles, stat: statOnce } });
    expect(await verifyAll(reader)).toEqual([[OTHER, []]]);
  });

  test('does not open what is no data folder, and says what it needs', async () => {
    const folder = await makeFolder();
    await expect(FolderReader.open({ path: folder.path })).rejects.toThrow(/no data folder.*format\.json/);
    await expect(FolderReader.open({ path: folder.file('nowhere') })).rejects.toThrow(/no data folder/);
    await folder.write('.store/format.json', '{"format":2,"store_id":"a"}');
    await expect(FolderReader.open({ path: folder.path })).rejects.toThrow(/format 2/);
  });
});

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** The next of these ids, as all that a command may take. */
function* once(ids: Iterator<string>): Iterable<string> {
  yield ids.next().value as string;
}
