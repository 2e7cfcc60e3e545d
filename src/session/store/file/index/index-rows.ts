/**
 * What becomes of the rows of the index: a session's row with its labels, its words and the state that is kept of it, put in,
 * changed and taken away together. In whatever transaction the caller has begun.
 */

import { hash } from 'node:crypto';
import { CORRUPTED } from '../../../domain/session-document.js';
import type { KeptState } from '../kept-state.js';
import { byDayNewestFirst } from '../session-folders.js';
import { areOfOneTime, type IndexRow, parseColumn } from './index-schema.js';
import type { Statements } from './index-statements.js';

/** Where rows come from: what a command left counts whatever is known; what was found in a folder may be the lesser one. */
export interface Source {
  /** Number of the latest taking of stock. */
  readonly scan: number;
  /** Of rows of a scan: whether it looks through this day. */
  readonly isScanned?: (day: string) => boolean;
}

interface KnownRow {
  readonly n: bigint;
  readonly day: string;
  readonly status: string;
  readonly userId: string | null;
  readonly labels: string;
  readonly timing: string;
  readonly listed: string;
  readonly idempotencyKey: string | null;
  readonly wordsHash: string;
  readonly scan: number;
}

export class IndexRows {
  constructor(private readonly statements: Statements) {}

  put(found: IndexRow, { scan, isScanned }: Source): void {
    const hashOfFound = hashOf(found.words);
    // What a scan finds is new most of the time: nobody looks whether it is.
    if (isScanned && this.#insertAt(found.place, found, hashOfFound, scan)) return;
    const known = this.#find(found.id);
    // Of several folders of one id the first day's counts. The known one is there when this scan has seen it, which looks
    // through days in no order and side by side, and when this scan does not look there.
    const isThere = known !== undefined && isScanned && (known.scan === scan || !isScanned(known.day));
    if (isThere && byDayNewestFirst(known.day, found.day) < 0) return;
    // The key that made a session is found also when the session cannot be read any more.
    const lacksKey = found.status === CORRUPTED && known?.idempotencyKey;
    const row = lacksKey ? { ...found, idempotencyKey: known.idempotencyKey } : found;
    if (known && areOfOneTime(known.n, row.place)) {
      this.#update(known, row, hashOfFound, scan);
      return;
    }
    if (known) this.#erase(known);
    // Another session of the same millisecond and suffix may have its place.
    for (let n = row.place; !this.#insertAt(n, row, hashOfFound, scan); n += 1n);
  }

  /** Whether it could be: the place was free, and the id not known. */
  #insertAt(n: bigint, row: IndexRow, wordsHash: string, scan: number): boolean {
    const { id, day, status, userId, labels, timing, listed, idempotencyKey } = row;
    const columns = [n, id, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan];
    if (this.statements.insert.run(columns).changes === 0) return false;
    if (row.state) this.#keepState(n, row.state);
    this.#addLabels(n, labels);
    if (row.words) this.statements.addWords.run([n, row.words]);
    return true;
  }

  #update(known: KnownRow, row: IndexRow, wordsHash: string, scan: number): void {
    const { n } = known;
    if (row.state) this.#keepState(n, row.state);
    else this.statements.dropState.run([n]);
    const { day, status, userId, labels, timing, listed, idempotencyKey } = row;
    const now: KnownRow = { n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan };
    if ((Object.keys(now) as (keyof KnownRow)[]).every((name) => now[name] === known[name])) return;
    this.statements.update.run([
      day,
      status,
      userId,
      labels,
      timing,
      listed,
      idempotencyKey,
      wordsHash,
      scan,
      n,
    ]);
    if (labels !== known.labels) {
      this.#dropLabels(n, known.labels);
      this.#addLabels(n, labels);
    }
    if (wordsHash === known.wordsHash) return;
    if (known.wordsHash) this.statements.dropWords.run([n]);
    if (row.words) this.statements.addWords.run([n, row.words]);
  }

  #erase({ n, labels, wordsHash }: KnownRow): void {
    this.statements.remove.run([n]);
    this.statements.dropState.run([n]);
    this.#dropLabels(n, labels);
    if (wordsHash) this.statements.dropWords.run([n]);
  }

  #keepState(n: bigint, { length, whole, text, sha256 }: KeptState): void {
    this.statements.keepState.run([n, length, whole.log, whole.view, text, sha256]);
  }

  #addLabels(n: bigint, labels: string): void {
    for (const [key, value] of labelsIn(labels)) this.statements.addLabel.run([key, value, n]);
  }

  #dropLabels(n: bigint, labels: string): void {
    for (const [key, value] of labelsIn(labels)) this.statements.dropLabel.run([key, value, n]);
  }

  #find(id: string): KnownRow | undefined {
    const row = this.statements.find.get([id]) as
      | [bigint, string, string, string | null, string, string, string, string | null, string, bigint]
      | undefined;
    if (!row) return undefined;
    const [n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan] = row;
    return { n, day, status, userId, labels, timing, listed, idempotencyKey, wordsHash, scan: Number(scan) };
  }

  remove(id: string): void {
    const known = this.#find(id);
    if (known) this.#erase(known);
  }
}

function labelsIn(labels: string): [string, string][] {
  return labels === '{}' ? [] : Object.entries(parseColumn(labels));
}

/** By which it is seen that words are the same as before; of no words, none. */
function hashOf(words: string): string {
  return words && hash('sha256', words, 'base64url').slice(0, 16);
}
