/** Stores for tests of the copying: sessions of every odd kind, and all that can be asked of a store. */

import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { SessionStats, SessionStore } from '../../src/session/store/session-store.js';
import { allEvents, BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import type { DataFolder } from '../store/a-folder.js';
import { impactSession } from './command.js';

const KEY = { key_sha256: 'a'.repeat(64), request_sha256: 'b'.repeat(64) };
const NEXT_MONTH = new Date('2024-02-29T23:59:59.999Z');

/** A creation with a key that was used for one of the odd sessions. */
export const keyedAgain = (store: SessionStore) =>
  store.create(idsAt(NEXT_MONTH, 100), opening('keyed', NEXT_MONTH, { idempotency: KEY }), BORN);

/** Sessions whose texts, sizes and fates try what a column, a line or a file can hold. */
export async function makeOddSessions(store: SessionStore): Promise<void> {
  const odd = ['a\0b', 'half \ud800 pair', '👩‍💻 zoë', 'it\'s "quoted" {\\}', '\u0001x', 'corrupted'];
  for (const [n, text] of odd.entries())
    await store.create(idsAt(BORN, n), opening(text, BORN, { status: text, labels: { team: text } }));
  const { session } = await store.create(idsAt(BORN, 50), opening('long'));
  for (let n = 0; n < 40; n++)
    await store.append(session.id, patching({ stepsCompleted: [`s${n}`], timing: { [`t${n}_ms`]: n } }));
  const large = await store.create(idsAt(BORN, 60), opening('large'));
  const outputs = { large: 'Ж'.repeat(1_000_000), requirement: { requirement_text: 'Pay invoices \0 soon' } };
  await store.append(large.session.id, patching({ outputs }));
  const failed = await store.create(idsAt(NEXT_MONTH), opening(null, NEXT_MONTH));
  const error = { error: 'Timeout', message: 'no\0answer', component: null, details: { 'a\0b': [1, null] } };
  await store.append(failed.session.id, patching({ status: 'error', error }, NEXT_MONTH));
  await store.create(
    idsAt(NEXT_MONTH, 9),
    opening('keyed', NEXT_MONTH, { idempotency: KEY, labels: { team: 'a' } }),
  );
}

/** A session with a tail that a recovery cut off and keeps, in a folder that nobody has open. */
export async function makeRecovered(folder: DataFolder): Promise<string> {
  let store = await folder.open();
  const { session } = await store.create(idsAt(BORN, 70), opening('recovered'));
  await folder.closeAll();
  await appendFile(folder.file('2024-01-15', session.id, 'events.jsonl'), '{"v":1,"sid":"half a li');
  store = await folder.open();
  await store.append(session.id, patching({ stepsCompleted: ['after'] }));
  await folder.closeAll();
  return session.id;
}

/** Every file of sessions, by its path: what is in it. */
export async function sessionFiles(root: string): Promise<Record<string, string>> {
  const paths = await readdir(root, { recursive: true, withFileTypes: true });
  const files = paths.filter((entry) => entry.isFile() && !entry.parentPath.includes('.store'));
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [
      path.slice(root.length),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ];
  });
  return Object.fromEntries((await Promise.all(read)).sort());
}

/** All that a folder is, to the times of its changes. */
export async function wholeFolder(root: string): Promise<Record<string, unknown>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const looked = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, ctimeMs, mode, size } = await stat(path);
    const content = entry.isFile()
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : '';
    return [path, { mtimeMs, ctimeMs, mode, size, content }];
  });
  return Object.fromEntries((await Promise.all(looked)).sort());
}

/** What a store answers to everything that can be asked of it, but where trails lie. */
export async function allAnswers(store: SessionStore): Promise<unknown> {
  const { sessions, total } = await store.list({ limit: 500, counted: true });
  const filters = [
    { text: 'pay inv' },
    { labels: { team: 'a\0b' } },
    { statuses: ['error', 'corrupted'] },
    { userId: 'half \ud800 pair' },
    { createdAfter: '2024-02-01T00:00:00.000Z' },
  ];
  const found = [];
  for (const filter of filters) {
    const page = await store.list({ filter, limit: 100, order: 'oldest', counted: true });
    found.push([page.sessions, page.total, sorted(await store.stats(filter))]);
  }
  const each = [];
  for (const { id } of sessions)
    each.push([(await store.read(id))!.session, await allEvents(store, id), await store.verify(id)]);
  return { sessions, total, stats: sorted(await store.stats({})), found, each };
}

/** Of values that are as frequent as each other, any may come first. */
function sorted({ statuses, timings, ...counted }: SessionStats): unknown {
  const inOrder = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).sort();
  return { ...counted, statuses: inOrder(statuses), timings: inOrder(timings) };
}

/** A folder with these many sessions, which nobody has open. */
export async function aFolderOf(
  makeFolder: () => Promise<DataFolder>,
  sessions: number,
): Promise<DataFolder> {
  const folder = await makeFolder();
  const store = await folder.open();
  for (let n = 0; n < sessions; n++) await store.create(idsAt(BORN, n), opening(`user ${n}`));
  await folder.closeAll();
  return folder;
}

export const copy = (from: string, to: string, ...more: string[]) =>
  impactSession('/tmp', ['copy', '--from', from, '--to', to, ...more]);

/** What it answered, where a copy was finished. */
export const FINISHED = {
  code: 0,
  stdout: '',
  stderr: expect.stringMatching(/ copied to .* and verified in /),
};
