/**
 * The statements by which index-database.ts and index-rows.ts put rows in, take them away and find single ones. What listings ask is in
 * index-queries.ts.
 */

import type Database from 'libsql';

export type StatementName =
  | 'find'
  | 'insert'
  | 'update'
  | 'remove'
  | 'keepState'
  | 'dropState'
  | 'keptState'
  | 'addLabel'
  | 'dropLabel'
  | 'addWords'
  | 'dropWords'
  | 'underWay'
  | 'enter'
  | 'leave'
  | 'dayOf'
  | 'findKey'
  | 'allFrom'
  | 'ofDayFrom';

export type Statements = Readonly<Record<StatementName, Database.Statement>>;

/**
 * `rows` gives columns by their position, which costs less than by name. Parameters are given as one list: the driver makes one
 * of them otherwise, each time.
 */
export function prepareStatements(database: Database.Database): Statements {
  const rows = (sql: string) => database.prepare(sql).raw();
  return {
    find: rows(
      'SELECT n, day, status, user_id, labels, timing, listed, idempotency_key, words_hash, scan FROM session WHERE id = ?',
    ).safeIntegers(),
    insert: database.prepare(
      'INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    update: database.prepare(
      'UPDATE session SET day = ?, status = ?, user_id = ?, labels = ?, timing = ?, listed = ?, idempotency_key = ?, words_hash = ?, scan = ? WHERE n = ?',
    ),
    remove: database.prepare('DELETE FROM session WHERE n = ?'),
    keepState: database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)'),
    dropState: database.prepare('DELETE FROM state WHERE n = ?'),
    keptState: rows(
      'SELECT length, log, view, text, sha256 FROM state WHERE n = (SELECT n FROM session WHERE id = ?)',
    ),
    addLabel: database.prepare('INSERT OR IGNORE INTO label VALUES (?, ?, ?)'),
    dropLabel: database.prepare('DELETE FROM label WHERE key = ? AND value = ? AND n = ?'),
    addWords: database.prepare('INSERT INTO words (rowid, text) VALUES (?, ?)'),
    dropWords: database.prepare('DELETE FROM words WHERE rowid = ?'),
    underWay: rows('SELECT id FROM under_way ORDER BY id'),
    enter: database.prepare('INSERT OR IGNORE INTO under_way VALUES (?)'),
    leave: database.prepare('DELETE FROM under_way WHERE id = ?'),
    dayOf: rows('SELECT day FROM session WHERE id = ?'),
    findKey: rows('SELECT id FROM session WHERE idempotency_key = ? AND n >= ? ORDER BY n DESC LIMIT 1'),
    allFrom: rows('SELECT n, id, day, scan FROM session WHERE n >= ? ORDER BY n LIMIT ?').safeIntegers(),
    ofDayFrom: rows(
      'SELECT n, id, day, scan FROM session WHERE day = ? AND n >= ? ORDER BY n LIMIT ?',
    ).safeIntegers(),
  };
}
