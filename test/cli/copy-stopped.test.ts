/**
 * `impact-session copy` that is stopped, in every way, and taken up again: nothing is lost, nothing is there twice, and what is
 * half copied is opened by nobody.
 */

import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { copySessions } from '../../src/session/store/copy-sessions.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { FolderSource } from '../../src/session/store/file/folder-source.js';
import { FolderTarget } from '../../src/session/store/file/folder-target.js';
import { DatabaseTarget } from '../../src/session/store/postgres/database-target.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';
import { PostgresServer } from '../postgres/postgres-server.js';
import { Random } from '../random.js';
import { DataFolder, dataFolders } from '../store/a-folder.js';
import { WatchedFiles } from '../store/failing-files.js';
import { sessionFiles, wholeFolder } from './a-store-to-copy.js';
import { impactSession, startImpactSession } from './command.js';

/** Enough that a copy is met while it is under way. */
const SESSIONS = 1_500;
const DAYS = 10;

const makeFolder = dataFolders();
const random = new Random(17);
let home: DataFolder;
let files: Record<string, string>;
let database: FreshDatabase;

beforeAll(async () => {
  home = await DataFolder.make();
  const store = await home.open();
  const made = Array.from({ length: SESSIONS }, async (_, n) => {
    const at = new Date(BORN.getTime() + (n % DAYS) * 86_400_000);
    const { session } = await store.create(idsAt(at, n), opening(`user ${n % 7}`, at));
    await store.append(session.id, patching({ stepsCompleted: ['a', 'b'], timing: { a_ms: n } }, at));
  });
  await Promise.all(made);
  await home.closeAll();
  files = await sessionFiles(home.path);
});

afterAll(() => home.destroy());

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(() => database.drop());

const args = (from: string, to: string) => ['copy', '--from', from, '--to', to, '--json'];

/** Resolves when so many are there, or the command has ended. */
async function until(ended: Promise<unknown>, there: () => Promise<boolean>): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && !(await there().catch(() => false))) await pause(5);
}

const inDatabase = (url: string) => async () =>
  Number((await command('SELECT count(*) AS n FROM sessions', url))[0]!.n);

const inFolder = (folder: DataFolder) => async () => {
  const days = await readdir(folder.path).catch(() => []);
  const names = await Promise.all(days.map((day) => readdir(folder.file(day)).catch(() => [])));
  return names.flat().filter((name) => name.startsWith('sess_')).length;
};

/** Kills one copy after another, each a little further on, until one comes to its end; how many met one under way. */
async function copyUnderKills(from: string, to: string, there: () => Promise<number>): Promise<number> {
  let met = 0;
  for (let goal = 1; ; goal += 300) {
    const { process, outcome } = startImpactSession('/tmp', args(from, to));
    await until(outcome, async () => (await there()) >= goal);
    await pause(random.below(100));
    process.kill('SIGKILL');
    const { code, stdout, stderr } = await outcome;
    if (code !== 0) {
      met += 1;
      continue;
    }
    expect(JSON.parse(stdout)).toMatchObject({ finished: true, sessions: SESSIONS, events: 4 * SESSIONS });
    expect(stderr).toContain('a copy was begun before: going on with it');
    return met;
  }
}

test('Copies into a database that are killed again and again go on until all is there, once', async () => {
  const met = await copyUnderKills(`file:${home.path}`, database.url, inDatabase(database.url));
  expect(met).toBeGreaterThan(2);
  const counts =
    'SELECT (SELECT count(*) FROM sessions)::int AS s, (SELECT count(*) FROM session_events)::int AS e';
  expect(await command(counts, database.url)).toEqual([{ s: SESSIONS, e: 4 * SESSIONS }]);
  const back = await makeFolder();
  expect((await impactSession('/tmp', args(database.url, `file:${back.path}`))).code).toBe(0);
  expect(await sessionFiles(back.path)).toEqual(files);
});

test('Copies into a folder that are killed again and again leave what the source has, and nothing else', async () => {
  const to = await makeFolder();
  const before = await wholeFolder(home.path);
  const met = await copyUnderKills(`file:${home.path}`, `file:${to.path}`, inFolder(to));
  expect(met).toBeGreaterThan(2);
  expect(await sessionFiles(to.path)).toEqual(files);
  expect((await impactSession(to.path, ['verify', '.'])).stderr).toMatch(
    /^1,500 sessions, .*: no problem\n$/,
  );
  const store = await to.open();
  await store.whenComplete();
  expect(await store.list({ limit: 1, counted: true })).toMatchObject({ total: SESSIONS, complete: true });
  expect(await wholeFolder(home.path)).toEqual(before);
});

/** A copy into `to` that was begun and stopped. */
async function stopped(to: string, there: () => Promise<number>, signal: NodeJS.Signals = 'SIGKILL') {
  const { process, outcome } = startImpactSession('/tmp', args(`file:${home.path}`, to));
  await until(outcome, async () => (await there()) > 0);
  process.kill(signal);
  return outcome;
}

describe('What is half copied', () => {
  const GO_ON =
    /is not finished: run the same impact-session copy again, .* or (delete the folder|make the database anew|drop the database and create it again)/;

  test('is opened by no server, by none that runs already, and by no copy of another store', async () => {
    const [to, other] = [await makeFolder(), await makeFolder()];
    await (await other.open()).close();
    await stopped(`file:${to.path}`, inFolder(to));
    await stopped(database.url, inDatabase(database.url));
    const half = { fault: 'half_copied', message: expect.stringMatching(GO_ON) };
    await expect(FileStore.open({ path: to.path })).rejects.toMatchObject(half);
    await expect(PostgresStore.open({ url: database.url })).rejects.toMatchObject(half);
    for (const address of [`file:${to.path}`, database.url]) {
      const { code, stdout, stderr } = await impactSession('/tmp', args(`file:${other.path}`, address));
      expect([code, JSON.parse(stdout)]).toEqual([
        2,
        { finished: false, error: stderr.slice('impact-session: '.length).trimEnd() },
      ]);
      expect(stderr).toMatch(/^impact-session: A copy of another store \(.*\) .* is not finished: [^\n]+\n$/);
    }
    const child = spawn(process.execPath, ['dist/main.js'], {
      env: { ...process.env, PORT: '0', DATA_SESSIONS_PATH: to.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for await (const text of child.stderr) said += text;
    for await (const text of child.stdout) said += text;
    expect(said).toMatch(GO_ON);
  });

  test('is copied into by one command at a time', async () => {
    const to = await makeFolder();
    const [folder, base] = [await FolderTarget.open(to), await DatabaseTarget.open(database.url)];
    const intoFolder = await impactSession('/tmp', args(`file:${home.path}`, `file:${to.path}`));
    expect(intoFolder).toMatchObject({ code: 2, stderr: expect.stringMatching(/is held by process/) });
    const intoBase = await impactSession('/tmp', args(`file:${home.path}`, database.url));
    expect(intoBase).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^impact-session: Another copy into this database is under way/),
    });
    await Promise.all([folder.close(), base.close()]);
  });
});

describe('A copy that cannot go on says so in one line, and the same command goes on:', () => {
  const ended = (why: RegExp) => ({
    code: 2,
    stderr: expect.stringMatching(
      new RegExp(
        `^(?:copied .*\\n)*impact-session: ${why.source}[^\\n]*; the same command goes on where it was stopped\\n$`,
      ),
    ),
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('at %s', async (signal) => {
    const outcome = await stopped(database.url, inDatabase(database.url), signal);
    expect(outcome).toMatchObject(ended(new RegExp(`stopped by ${signal}`)));
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      finished: false,
      error: expect.stringContaining(`stopped by ${signal}; `),
    });
    const again = await impactSession('/tmp', args(`file:${home.path}`, database.url));
    const { finished, copied_now, sessions } = JSON.parse(again.stdout);
    expect({ finished, sessions }).toEqual({ finished: true, sessions: SESSIONS });
    expect(copied_now).toBeLessThan(SESSIONS);
  });

  test('at SIGINT when the database has fallen silent, within seconds', async () => {
    const { process: child, outcome } = startImpactSession('/tmp', args(`file:${home.path}`, database.url));
    await until(outcome, async () => (await inDatabase(database.url)()) > 0);
    const backends = await command(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'impact-session'",
      database.url,
    );
    const pids = backends.map(({ pid }) => pid as number);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      const at = Date.now();
      child.kill('SIGINT');
      const ending = await outcome;
      expect(ending).toMatchObject(ended(/stopped by SIGINT/));
      expect(JSON.parse(ending.stdout)).toMatchObject({ finished: false });
      expect(Date.now() - at).toBeLessThan(10_000);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
  });

  test('when the database is gone', async () => {
    const server = await PostgresServer.start();
    try {
      const url = server.url('postgres');
      const { outcome } = startImpactSession('/tmp', args(`file:${home.path}`, url));
      await until(outcome, async () => (await inDatabase(url)()) > 0);
      await server.kill();
      expect(await outcome).toMatchObject(ended(/The database cannot do it now: /));
      await server.run();
      expect((await impactSession('/tmp', args(`file:${home.path}`, url))).code).toBe(0);
    } finally {
      await server.stop();
    }
  });
});

describe('A folder as target', () => {
  const copied = async (from: DataFolder, to: DataFolder, files?: WatchedFiles['files']) => {
    const source = await FolderSource.open(from);
    const target = await FolderTarget.open({ path: to.path, ...(files && { files }) });
    try {
      return await copySessions(source, target, { leaveDamaged: false });
    } finally {
      await target.close();
    }
  };

  test.each(['write', 'datasync', 'rename'])('goes on after a disk that failed to %s', async (call) => {
    const to = await makeFolder();
    const watched = new WatchedFiles();
    let left = 200;
    watched.fail = (made) =>
      made.startsWith(call) && made.includes('sess_') && left-- < 0 ? 'ENOSPC' : undefined;
    await expect(copied(home, to, watched.files)).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      cause: expect.anything(),
    });
    expect(await inFolder(to)()).toBeGreaterThan(0);
    await expect(to.open()).rejects.toMatchObject({ fault: 'half_copied' });
    expect(await copied(home, to)).toMatchObject({ finished: true, sessions: SESSIONS });
    expect(await sessionFiles(to.path)).toEqual(files);
  });

  test('is empty, half copied or whole after any call that failed, and then the copy is made', async () => {
    const [from, whole] = [await makeFolder(), { finished: true, sessions: 2 }];
    const store = await from.open();
    for (let n = 0; n < 2; n++) await store.create(idsAt(BORN, n), opening('me'));
    await from.closeAll();
    const found = new Set<string>();
    for (let n = 0, isOver = false; !isOver; n++) {
      const [to, watched] = [await makeFolder(), new WatchedFiles()];
      let left = n;
      watched.fail = () => (left-- === 0 ? 'EIO' : undefined);
      isOver = await copied(from, to, watched.files).then(
        () => left >= 0,
        () => false,
      );
      const opened = await to.open().catch((error) => error);
      if (opened instanceof FileStore) {
        await opened.whenComplete();
        const { total } = await opened.list({ limit: 1, counted: true });
        found.add(`${total} sessions`);
        await to.closeAll();
        if (total !== 0) continue;
      } else found.add(opened.fault);
      expect(await copied(from, to)).toMatchObject(whole);
      expect(await sessionFiles(to.path)).toEqual(await sessionFiles(from.path));
    }
    expect(found).toEqual(new Set(['0 sessions', 'half_copied', '2 sessions']));
  });

  test('is made durable where a stopped copy left it, before anything of it is believed', async () => {
    const [to, watched] = [await makeFolder(), new WatchedFiles()];
    await stopped(`file:${to.path}`, inFolder(to));
    const days = (await readdir(to.path)).filter((name) => !name.startsWith('.'));
    await copied(home, to, watched.files);
    const first = watched.calls.findIndex((call) => call.startsWith('stat') && call.includes('sess_'));
    expect(watched.calls.slice(0, first)).toEqual(
      expect.arrayContaining(days.map((day) => `sync ${to.file(day)}`)),
    );
  });
});
