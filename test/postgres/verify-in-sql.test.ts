/**
 * What docs/STORAGE.md gives to those who have SQL and nothing else: it finds what was altered, and nothing where nothing was;
 * and reports what the columns hold.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listedSession } from '../../src/session/domain/session-document.js';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { command, type FreshDatabase, freshDatabase } from './fresh-database.js';

const DOCUMENT = readFileSync('docs/STORAGE.md', 'utf8');
const [, REPORT] = /^```sql name=report\.sql\n([\s\S]*?)^```$/m.exec(DOCUMENT) ?? [];
const [, VERIFY] = /^```sql name=verify\.sql\n([\s\S]*?)^```$/m.exec(DOCUMENT) ?? [];
const ID = 'sess_20240115_103045_000001';

let database: FreshDatabase;
let store: PostgresStore;

beforeEach(async () => {
  database = await freshDatabase();
  store = await PostgresStore.open({ url: database.url });
  for (const n of [0, 1, 2]) {
    const { session } = await store.create(idsAt(BORN, n), opening(`\u0000 Zo\u00eb \u{1f49a} \ud800 "\\`));
    await store.append(
      session.id,
      patching({ stepsCompleted: ['a', 'b'], outputs: { x: { n: 1e21, s: '}' } } }),
    );
    await store.append(session.id, patching({ labels: { hash: 'hash' } }));
  }
});

afterEach(async () => {
  await store.close();
  await database.drop();
});

/** Takes `prev` out of the last line and seals it again, so that nothing but the missing link can tell. */
const WITHOUT_PREV = `
  UPDATE session_events SET line = left(body, -1) || ',"hash":"' ||
    encode(sha256(convert_to(E'session-event/1\\n' || body, 'UTF8')), 'hex') || '"}'
  FROM (
    SELECT session_id AS id, seq AS last, regexp_replace(left(line, -75) || '}', '"prev":"[0-9a-f]{64}",', '') AS body
    FROM session_events WHERE seq = 4
  ) altered
  WHERE session_id = '${ID}' AND id = session_id AND seq = last`;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const found = () => command(VERIFY as string, database.url);

test('chains that the store made verify', async () => {
  expect((await command('SELECT count(*)::int AS n FROM session_events', database.url))[0]).toEqual({
    n: 15,
  });
  expect(await found()).toEqual([]);
});

test.each([
  [
    'an altered line',
    `UPDATE session_events SET line = replace(line, '"at":"2024', '"at":"2023') WHERE session_id = '${ID}' AND seq = 1`,
    [1],
  ],
  [
    'a line that is taken away',
    `DELETE FROM session_events WHERE session_id = '${ID}' AND seq = 1`,
    [2, 3, 4],
  ],
  [
    'the first line of another session',
    `UPDATE session_events SET line = (SELECT line FROM session_events WHERE seq = 0 AND session_id < '${ID}') WHERE session_id = '${ID}' AND seq = 0`,
    [0, 1],
  ],
  ['a last line that was sealed again without its link', WITHOUT_PREV, [4]],
  ['a store without its row', 'DELETE FROM session_store', [0]],
  ['another store', "UPDATE session_store SET store_id = 'another'", [0]],
])('%s is found', async (_what, statement, seqs) => {
  await command(statement, database.url);
  const ofOne = (await found()).filter(({ session_id }) => session_id === ID);
  expect(ofOne.map(({ seq }) => seq)).toEqual(seqs);
});

test('a report counts sessions, times and hours from the columns', async () => {
  for (const [n, { ms, hours, team = 'payments', requirement_text = 'text' }] of [
    { ms: 5, hours: 1.5 },
    { ms: 90, hours: 2.25 },
    { ms: 7, hours: 8, team: 'search' },
    { ms: 9, hours: 4, requirement_text: '\0' },
    { ms: 9, hours: 4, requirement_text: '\ud800' },
  ].entries()) {
    const { session } = await store.create(idsAt(BORN, 10 + n), opening('me'));
    const outputs = { effort: { total_hours: hours }, requirement: { requirement_text } };
    await store.append(
      session.id,
      patching({ labels: { team }, outputs, timing: { search_ms: ms, '\ud800_ms': 1 } }),
    );
  }
  const [row, ...others] = await command(REPORT as string, database.url);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ status: 'created', sessions: 4, search_p95_ms: 90, hours: 3.75 });
});

test('the columns hold what the document says of them', async () => {
  const long = 'x'.repeat(1_000);
  const { session } = await store.create(idsAt(BORN, 20), opening('\u0001 me', BORN, { status: 'a\0b' }));
  const changed = await store.append(
    session.id,
    patching({ labels: { team: 'payments', long }, timing: { '\ud800_ms': 1 } }),
  );
  const [row] = await command(
    `SELECT status, user_id, labels, timing, listed, revision,
      log_bytes = (SELECT sum(octet_length(line) + 1) FROM session_events WHERE session_id = id) AS counted,
      words @@ '''paym'':*'::tsquery AS found
    FROM sessions WHERE id = '${session.id}'`,
    database.url,
  );
  expect(row).toEqual({
    status: '\u0001"a\\u0000b"',
    user_id: '\u0001"\\u0001 me"',
    labels: ['["team","payments"]', `sha256:${sha256(`["long","${long}"]`)}`],
    timing: { '\u0001"\\ud800_ms"': 1 },
    listed: JSON.stringify(listedSession(changed!.session)),
    revision: 3,
    counted: true,
    found: true,
  });
});
