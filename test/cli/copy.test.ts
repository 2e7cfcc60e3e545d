/**
 * `impact-session copy` as people and programs use it: there and back again to the byte, nothing changed at the source,
 * what is refused, and no password anywhere.
 */

import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from '../postgres/fresh-database.js';
import { readmeBlocks } from '../readme.js';
import { dataFolders } from '../store/a-folder.js';
import {
  aFolderOf,
  allAnswers,
  copy,
  FINISHED,
  keyedAgain,
  makeOddSessions,
  makeRecovered,
  sessionFiles,
  wholeFolder,
} from './a-store-to-copy.js';
import { impactSession } from './command.js';

const makeFolder = dataFolders();
const databases: FreshDatabase[] = [];
let database: FreshDatabase;

beforeEach(async () => {
  database = await aDatabase();
});

afterEach(async () => {
  await Promise.all(databases.splice(0).map((one) => one.drop()));
});

async function aDatabase(): Promise<FreshDatabase> {
  const made = await freshDatabase();
  databases.push(made);
  return made;
}

const aFolder = (sessions = 2) => aFolderOf(makeFolder, sessions);

async function answersOf(store: FileStore | PostgresStore): Promise<unknown> {
  try {
    if (store instanceof FileStore) await store.whenComplete();
    return await allAnswers(store);
  } finally {
    await store.close();
  }
}

describe('There and back again', () => {
  test('gives the same bytes of every log, view and kept tail, and the same answers to everything', async () => {
    const [home, back, other] = [await makeFolder(), await makeFolder(), await makeFolder()];
    await makeOddSessions(await home.open());
    await home.closeAll();
    await makeRecovered(home);
    const before = await wholeFolder(home.path);

    expect(await copy(`file:${home.path}`, database.url)).toEqual(FINISHED);
    expect(await wholeFolder(home.path)).toEqual(before);
    expect(await copy(database.url, `file://${back.path}`)).toEqual(FINISHED);
    expect(await copy(`file:${back.path}`, `file:${other.path}/of/another/name`)).toEqual(FINISHED);

    const files = await sessionFiles(home.path);
    expect(Object.keys(files).filter((path) => path.includes('.torn-1'))).toHaveLength(1);
    expect(await sessionFiles(back.path)).toEqual(files);
    expect(await sessionFiles(other.file('of/another/name'))).toEqual(files);
    expect(await impactSession(back.path, ['verify', '.'])).toMatchObject({ code: 0, stdout: '' });

    const asked = await answersOf(await FileStore.open({ path: home.path }));
    expect(await answersOf(await PostgresStore.open({ url: database.url }))).toEqual(asked);
    expect(await answersOf(await FileStore.open({ path: back.path }))).toEqual(asked);
  });

  test('from database to database makes the very rows that the store has written', async () => {
    const rows = async (url: string) => [
      await command('SELECT * FROM sessions ORDER BY id', url),
      await command('SELECT session_id, seq, line FROM session_events ORDER BY 1, 2', url),
      await command('SELECT store_id FROM session_store', url),
    ];
    const to = await aDatabase();
    const store = await PostgresStore.open({ url: database.url });
    await makeOddSessions(store);
    await store.close();
    expect(await copy(database.url, to.url)).toEqual(FINISHED);
    const [sessions, events, id] = await rows(database.url);
    expect(sessions!.length).toBeGreaterThan(5);
    expect(await rows(to.url)).toEqual([sessions, events, id]);
  });

  test('keeps what a session was made with: its key still counts, and its chain goes on', async () => {
    const folder = await makeFolder();
    await makeOddSessions(await folder.open());
    await folder.closeAll();
    await copy(`file:${folder.path}`, database.url);
    const store = await PostgresStore.open({ url: database.url });
    const { session } = await keyedAgain(store);
    expect(session).toMatchObject({ userId: 'keyed', labels: { team: 'a' }, revision: 1 });
    await store.append(session.id, patching({ stepsCompleted: ['moved'] }, new Date('2024-03-01')));
    expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 2 });
    await store.close();
    const back = await makeFolder();
    expect(await copy(database.url, `file:${back.path}`)).toEqual(FINISHED);
    const again = await back.open();
    expect((await again.read(session.id))!.session.stepsCompleted).toEqual(['moved']);
    expect((await keyedAgain(again)).session.id).toBe(session.id);
  });

  test('is done within one database, too, whose schemas are stores of their own', async () => {
    const [folder, back] = [await aFolder(), await makeFolder()];
    const [one, two] = ['one', 'two'].map((schema) => {
      const url = new URL(database.url);
      url.searchParams.set('options', `-c search_path=${schema}`);
      return url.href;
    }) as [string, string];
    await command('CREATE SCHEMA one; CREATE SCHEMA two', database.url);
    expect(await copy(`file:${folder.path}`, one)).toEqual(FINISHED);
    expect(await copy(one, two)).toEqual(FINISHED);
    expect(await copy(two, `file:${back.path}`)).toEqual(FINISHED);
    expect(await sessionFiles(back.path)).toEqual(await sessionFiles(folder.path));
    expect((await copy(one, one)).stderr).toMatch(/are the same store/);
  });

  test('is done with an empty store, too, which keeps its id', async () => {
    const folder = await aFolder(0);
    expect((await copy(`file:${folder.path}`, database.url)).stderr).toMatch(/^0 sessions, 0 events copied/);
    expect(await command('SELECT store_id FROM session_store', database.url)).toEqual([
      { store_id: await folder.storeId() },
    ]);
  });

  test('takes the stores of the configuration by their names', async () => {
    const folder = await aFolder();
    const environment = { DATA_SESSIONS_PATH: folder.path, DATABASE_URL: database.url };
    const args = ['copy', '--from', 'file', '--to', 'postgres', '--json'];
    const { code, stdout } = await impactSession('/tmp', args, environment);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      {
        from: `file:${folder.path}`,
        to: expect.stringMatching(/^postgres:\/\/postgres@.+\/test_\w+$/),
        problems: [],
        finished: true,
        store_id: await folder.storeId(),
        at_target: 2,
        sessions: 2,
        events: 2,
        imported: 0,
        copied_now: 2,
        copied_again: 0,
        damaged: 0,
        not_copyable: 0,
        changed: 0,
        source_in_use: false,
        not_looked_at: 0,
        ms: expect.any(Number),
      },
    ]);
    expect((await impactSession('/tmp', ['copy', '--from', 'file', '--to', 'postgres'])).stderr).toMatch(
      /DATABASE_URL is missing/,
    );
  });

  test('begins with a folder that has no more than its sessions, or the lock file of a server that was killed', async () => {
    const [folder, to] = [await aFolder(), await makeFolder()];
    await folder.write('.store/lock', '{"pid":1}');
    expect(await copy(`file:${folder.path}`, database.url)).toEqual(FINISHED);
    await rm(folder.file('.store/lock'));
    await rm(folder.file('.store/index.db'));
    expect(await copy(`file:${folder.path}`, `file:${to.path}`)).toEqual(FINISHED);
  });
});

describe('Refuses, in one line and with 2,', () => {
  const refused = async (from: string, to: string, line: RegExp) => {
    const { code, stdout, stderr } = await copy(from, to);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^impact-session: [^\n]+\n$/);
    expect(stderr).toMatch(line);
  };

  test('a folder with sessions of its own, and touches nothing there', async () => {
    const [from, to] = [await aFolder(), await aFolder(1)];
    const before = await wholeFolder(to.path);
    await refused(`file:${from.path}`, `file:${to.path}`, /holds sessions.*empty folder/);
    expect(await wholeFolder(to.path)).toEqual(before);
    const python = await makeFolder();
    await python.write('2024-01-15/old-1/session_metadata.json', '{"status": "created"}');
    await refused(`file:${from.path}`, `file:${python.path}`, /holds sessions \(old-1/);
  });

  test('a database with sessions of its own, which is as it was', async () => {
    const folder = await aFolder();
    const store = await PostgresStore.open({ url: database.url });
    const { session } = await store.create(idsAt(BORN), opening('me'));
    await refused(`file:${folder.path}`, database.url, /database holds sessions; .* empty database/);
    await store.append(session.id, patching({ stepsCompleted: ['a'] }));
    expect(await store.verify(session.id)).toMatchObject({ valid: true, events: 2 });
    await store.close();
  });

  test('a copy that is finished: it is nobody’s to be made again', async () => {
    const [folder, back] = [await aFolder(), await makeFolder()];
    await copy(`file:${folder.path}`, database.url);
    await refused(`file:${folder.path}`, database.url, /of this very store/);
    await copy(database.url, `file:${back.path}`);
    await refused(database.url, `file:${back.path}`, /holds sessions/);
  });

  test('a folder that a server has open, on either side', async () => {
    const [from, to] = [await aFolder(), await makeFolder()];
    const server = await from.open();
    await refused(`file:${from.path}`, database.url, /is in use.*stop the server/);
    await server.close();
    await to.open();
    await refused(`file:${from.path}`, `file:${to.path}`, /is held by process/);
  });

  test('what is no store', async () => {
    const [folder, empty] = [await aFolder(), await makeFolder()];
    await refused(`file:${empty.path}`, database.url, /is no data folder/);
    await refused(`file:${empty.path}/nowhere`, database.url, /is no data folder/);
    await refused(database.url, `file:${empty.path}`, /holds no sessions: it has no tables/);
    expect(await command("SELECT to_regclass('session_store') AS made", database.url)).toEqual([
      { made: null },
    ]);
    await writeFile(empty.file('a file'), '');
    await refused(`file:${folder.path}`, `file:${empty.file('a file')}`, /is not a folder/);
    await refused(`file:${folder.path}`, `file:${folder.path}/.`, /are the same store/);
    await refused(folder.path, database.url, /--from is not the address of a store/);
    await refused('file:', database.url, /--from is not the address of a store/);
    await refused(`file:${folder.path}`, 'file:///tmp/a%00b', /--to is not the address of a store/);
    await refused(
      `file:${folder.path}`,
      'postgres://me:secret@host:5432',
      /--to is not the address of a sto/,
    );
  });

  test('a database in which it may make no tables', async () => {
    const folder = await aFolder();
    await command('CREATE ROLE nobody_much LOGIN', database.url);
    const url = new URL(database.url);
    url.username = 'nobody_much';
    await refused(`file:${folder.path}`, url.href, /cannot be used: permission denied/).finally(() =>
      command('DROP ROLE nobody_much', database.url),
    );
  });

  test('a store of which a copy is not finished, as its source', async () => {
    const [folder, to] = [await aFolder(), await makeFolder()];
    await folder.write('.store/copy.json', '{}');
    await refused(`file:${folder.path}`, database.url, /copy into the data folder .* is not finished/);
    await PostgresStore.open({ url: database.url }).then((store) => store.close());
    await command('UPDATE session_store SET copied_since = now()', database.url);
    await refused(database.url, `file:${to.path}`, /copy into the database is not finished/);
  });
});

test('No password is told, whatever goes wrong', async () => {
  const folder = await aFolder();
  const from = `file:${folder.path}`;
  const secret = 'hünter22';
  for (const url of [
    `postgres://me:${secret}@127.0.0.1:1/sessions`,
    `postgres://127.0.0.1:1/sessions?user=me&password=${secret}`,
    `postgress://me:${secret}@localhost/sessions`,
    `postgres://me:${secret}@[/sessions`,
    `postgres://me:%${secret}@127.0.0.1:1/%zz`,
  ])
    for (const outcome of await Promise.all([copy(from, url), copy(url, from), copy(from, url, '--json')])) {
      expect([url, outcome.code]).toEqual([url, 2]);
      const told = outcome.stdout + outcome.stderr;
      expect(told).not.toMatch(/nter22/);
      expect(told).not.toContain(encodeURIComponent(secret));
      expect(told).not.toMatch(/\bat .+:\d+:\d+/);
    }
  const url = new URL(database.url);
  url.username = 'postgres';
  url.password = secret;
  const { code, stdout, stderr } = await copy(from, url.href, '--json');
  expect([code, JSON.parse(stdout).to]).toEqual([0, expect.stringMatching(/^postgres:\/\/postgres@[^:]+$/)]);
  expect(stdout + stderr).not.toMatch(/nter22/);
});

test('Does what README.md says, and prints what stands there', async () => {
  const folder = await makeFolder();
  const store = await FileStore.open({ path: folder.file('data/sessions') });
  const { session } = await store.create(idsAt(BORN), opening('me'));
  await store.append(session.id, patching({ stepsCompleted: ['a', 'b', 'c'] }));
  await store.close();
  const at = readmeBlocks().findIndex(({ text }) => text.includes('npx impact-session copy'));
  const [example, printed] = readmeBlocks().slice(at);
  const said = /postgres:\/\/user:password@host\/database/;
  const script = example!.text
    .replace(said, `'${database.url}'`)
    .replace('npx impact-session', `"${process.execPath}" "${process.cwd()}/bin/impact-session.js"`);
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: folder.path, encoding: 'utf8' });
  const inGeneral = (words: string) =>
    words.replace(/postgres:\S+/, 'DATABASE').replace(/in [\d.]+ m?s$/m, 'in TIME');
  expect([status, inGeneral(stderr)]).toEqual([0, inGeneral(printed!.text)]);
});

test('Says how it is used', async () => {
  const { code, stdout } = await impactSession('/tmp', ['copy', '--help']);
  expect(code).toBe(0);
  for (const said of [
    '--from <store>',
    '--to <store>',
    '--leave-damaged',
    'PGPASSWORD',
    'what is written to the source after the copy stays there',
    'tabs',
    'Exit code: 0',
  ])
    expect(stdout).toContain(said);
  const { code: missing, stderr } = await impactSession('/tmp', ['copy', '--from', 'file:a']);
  expect([missing, stderr]).toEqual([2, expect.stringMatching(/required option '--to <store>'/)]);
});
