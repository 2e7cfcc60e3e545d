/**
 * What is asked of the index: pages of sessions that fit a filter, and statistics over them. Reads over a connection of its
 * own, so that it can run in another thread than what writes.
 */

import { existsSync } from 'node:fs';
import Database from 'libsql';
import { toColumn } from '../../../domain/column-text.js';
import { wordsOf } from '../../../domain/search-words.js';
import type { ListedSession } from '../../../domain/session-document.js';
import { type ListQuery, type SessionFilter, type SessionStats, STATS_LIMITS } from '../../session-store.js';
import { DAY_OF_PLACE, firstPlaceAt, listedOf, parseColumn, textOf } from './index-schema.js';

/** As in the port, but for what the index does not know of itself. */
export interface FoundPage {
  readonly sessions: readonly ListedSession[];
  readonly next: string | null;
  readonly total?: number;
}

export type FoundStats = Omit<SessionStats, 'complete'>;

/** Something that a session has to fulfil. */
interface Condition {
  readonly where: readonly string[];
  readonly bound: readonly Bound[];
}

/** Where to look: sessions that have something in common, in the order of their places. */
interface Stream extends Condition {
  readonly from: string;
  /** The column that holds the place: by its own one a stream is in order, and no other. */
  readonly place: string;
}

/** A stream, and what has to be true of the sessions in it. */
interface Selection {
  readonly stream: Stream;
  readonly conditions: readonly Condition[];
}

type Bound = string | number | bigint;

/** Of which stream there are fewer is counted up to here. */
const COUNTED = 2_000;
const COLUMNS = 's.n, s.id, s.status, s.user_id, s.labels, s.listed';
const EVERYTHING: Stream = { from: 'session s', place: 's.n', where: [], bound: [] };

export class IndexQueries {
  readonly #database: Database.Database;

  constructor(path: string) {
    // Opened by somebody who asks, a file that was taken away would come back empty.
    if (!existsSync(path)) throw Object.assign(new Error('the index is gone'), { code: 'SQLITE_CANTOPEN' });
    this.#database = new Database(path);
    this.#database.pragma('query_only = true');
  }

  list(query: ListQuery): FoundPage {
    return this.#atOneMoment(() => this.#page(query));
  }

  stats(filter: SessionFilter): FoundStats {
    return this.#atOneMoment(() => this.#statsOf(filter));
  }

  close(): void {
    this.#database.close();
  }

  /** All that is read in here is of the same state. */
  #atOneMoment<T>(read: () => T): T {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #page(query: ListQuery): FoundPage {
    const { filter = {}, limit, counted } = query;
    const total = counted ? { total: this.#count(filter) } : {};
    const selections = this.#selectionsOf(filter);
    if (selections.length === 0) return { sessions: [], next: null, ...total };
    const { sql, bound } = pageOf(selections, query);
    const rows = this.#all(sql, bound) as ListedRow[];
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = last && rows.length > limit ? String(last[0]) : null;
    return { sessions: shown.map(([, ...row]) => listedOf(...row)), next, ...total };
  }

  #statsOf(filter: SessionFilter): FoundStats {
    const statuses = this.#grouped(filter, 's.status');
    const days = this.#grouped(filter, DAY_OF_PLACE);
    return {
      total: statuses.reduce((sum, [, sessions]) => sum + sessions, 0),
      statuses: statuses.map(([status, sessions]) => ({ status: textOf(String(status)), sessions })),
      days: days
        .sort(([left], [right]) => Number(right) - Number(left))
        .slice(0, STATS_LIMITS.days)
        .map(([day, sessions]) => ({
          day: new Date(Number(day) * 86_400_000).toISOString().slice(0, 10),
          sessions,
        })),
      timings: this.#timings(filter),
    };
  }

  #count(filter: SessionFilter): number {
    const counts = this.#selectionsOf(filter).map((one) => {
      const { sql, bound } = select('count(*)', one);
      return Number((this.#all(sql, bound) as [[bigint]])[0][0]);
    });
    return counts.reduce((sum, sessions) => sum + sessions, 0);
  }

  /** How many sessions there are of each value of an expression, the most frequent first, then by the value. */
  #grouped(filter: SessionFilter, expression: string): [string | number, number][] {
    const counts = new Map<string | number, number>();
    for (const selection of this.#selectionsOf(filter)) {
      const { sql, bound } = select(`${expression}, count(*)`, selection, 'GROUP BY 1');
      for (const [value, sessions] of this.#all(sql, bound) as [string | bigint, bigint][]) {
        const key = typeof value === 'bigint' ? Number(value) : value;
        counts.set(key, (counts.get(key) ?? 0) + Number(sessions));
      }
    }
    return [...counts].sort(([a, left], [b, right]) => right - left || byCodePoints(String(a), String(b)));
  }

  #timings(filter: SessionFilter): SessionStats['timings'] {
    const values = new Map<string, number[]>();
    for (const { sql, bound } of this.#selectionsOf(filter).map((one) => select('s.timing', one))) {
      for (const [timing] of this.#database
        .prepare(sql)
        .raw()
        .iterate(...bound) as Iterable<[string]>) {
        for (const [name, ms] of Object.entries(parseColumn(timing) as Record<string, number>)) {
          const known = values.get(name);
          if (known) known.push(ms);
          else values.set(name, [ms]);
        }
      }
    }
    const frequent = [...values].sort(
      ([a, left], [b, right]) => right.length - left.length || byCodePoints(toColumn(a), toColumn(b)),
    );
    return frequent.slice(0, STATS_LIMITS.timings).map(([name, all]) => {
      const sorted = Float64Array.from(all).sort();
      return { name, sessions: all.length, p50: nearestRank(sorted, 0.5), p95: nearestRank(sorted, 0.95) };
    });
  }

  /**
   * What a filter asks for, as selections of which each session is in one at most; none when no session can fit. A
   * selection looks through the stream that has the fewest sessions, and checks the other conditions of each.
   */
  #selectionsOf(filter: SessionFilter): Selection[] {
    const { labels = {}, text } = filter;
    const words = text === undefined ? undefined : wordsOf(text);
    if (words?.length === 0) return [];
    const streams = Object.entries(labels).map(([key, value]) => labelled(key, value));
    // First, so that of streams that are both long this is the one: a label is soon looked up.
    if (words) streams.unshift(withWords(words));
    const fewest = this.#fewestOf(streams, filter);
    const checks = streams.filter((stream) => stream !== fewest).map(asCheck);
    if (fewest) return [inRange({ stream: fewest, conditions: [ofWhom(filter), ...checks] }, filter)];
    return perStatus(filter).map((stream) => inRange({ stream, conditions: checks }, filter));
  }

  /** The stream with the fewest sessions; `undefined` when the sessions of the user or of the statuses are fewer. */
  #fewestOf(streams: readonly Stream[], filter: SessionFilter): Stream | undefined {
    const own = perStatus(filter);
    const isNarrow = own[0] !== EVERYTHING;
    if (streams.length <= (isNarrow ? 0 : 1)) return streams[0];
    const count = (stream: Stream) => this.#countUpTo(inRange({ stream, conditions: [] }, filter));
    const counted = streams.map((stream) => ({ stream, sessions: count(stream) }));
    const [fewest] = counted.sort((left, right) => left.sessions - right.sessions);
    const ofOwn = own.reduce((sum, stream) => sum + count(stream), 0);
    return isNarrow && fewest && ofOwn < fewest.sessions ? undefined : fewest?.stream;
  }

  #countUpTo(selection: Selection): number {
    const { sql, bound } = select('1', selection, `LIMIT ${COUNTED}`);
    return Number((this.#all(`SELECT count(*) FROM (${sql})`, bound) as [[bigint]])[0][0]);
  }

  #all(sql: string, bound: readonly Bound[]): unknown[] {
    return this.#database
      .prepare(sql)
      .raw()
      .safeIntegers()
      .all(...bound);
  }
}

type ListedRow = [
  n: bigint,
  id: string,
  status: string,
  userId: string | null,
  labels: string,
  listed: string,
];

interface Select {
  readonly sql: string;
  readonly bound: readonly Bound[];
}

function select(columns: string, { stream, conditions }: Selection, rest = ''): Select {
  const all = [stream, ...conditions];
  const where = all.flatMap((one) => one.where).join(' AND ');
  // Without a WHERE, SQLite counts without looking.
  const sql = `SELECT ${columns} FROM ${stream.from} ${where && `WHERE ${where}`} ${rest}`;
  return { sql, bound: all.flatMap((one) => one.bound) };
}

/** One session more than the page shows: whether there is a next one. */
function pageOf(selections: readonly Selection[], query: ListQuery): Select {
  const { order = 'newest', limit, after, offset = 0 } = query;
  const [direction, beyond] = order === 'newest' ? ['DESC', '<'] : ['ASC', '>'];
  // Of several streams any may have all that is passed over. One alone passes over it by itself, and nothing is sorted.
  const page = `LIMIT ${limit + 1} OFFSET ${offset}`;
  const bounds = selections.length === 1 ? page : `LIMIT ${offset + limit + 1}`;
  const selects = selections.map(({ stream, conditions }) => {
    const { place } = stream;
    const edge = after === undefined ? [] : [{ where: [`${place} ${beyond} ?`], bound: [BigInt(after)] }];
    const rest = `ORDER BY ${place} ${direction} ${bounds}`;
    return select(COLUMNS, { stream, conditions: [...conditions, ...edge] }, rest);
  });
  const [only, ...others] = selects;
  if (only && others.length === 0) return only;
  const merged = selects.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ');
  return { sql: `${merged} ORDER BY n ${direction} ${page}`, bound: selects.flatMap(({ bound }) => bound) };
}

/** CROSS JOIN keeps SQLite from turning the order of the tables round. */
function labelled(key: string, value: string): Stream {
  return {
    from: 'label l CROSS JOIN session s ON s.n = l.n',
    place: 'l.n',
    where: ['l.key = ? AND l.value = ?'],
    bound: [key, value],
  };
}

/** Words of letters and digits need no more than their quotes. */
function withWords(words: readonly string[]): Stream {
  return {
    from: 'words w CROSS JOIN session s ON s.n = w.rowid',
    place: 'w.rowid',
    where: ['words MATCH ?'],
    bound: [words.map((word) => `"${word}"*`).join(' ')],
  };
}

/**
 * A stream as something to check of a session that was found in another one. A label is looked up for each session. Words
 * are looked for once: each time, the search index would put together all words that begin so.
 */
function asCheck({ from, place, where, bound }: Stream): Condition {
  const [table = ''] = from.split(' CROSS');
  const found = `FROM ${table} WHERE ${where.join(' AND ')}`;
  const check = table.startsWith('words')
    ? `s.n IN (SELECT ${place} ${found})`
    : `EXISTS (SELECT 1 ${found} AND ${place} = s.n)`;
  return { where: [check], bound };
}

/** A stream for each status: each is in the order of places, and all of them together are not. */
function perStatus({ statuses, userId }: SessionFilter): Stream[] {
  const user = userId === undefined ? {} : { userId };
  if (statuses)
    return [...new Set(statuses)].map((status) => indexed('status', { ...user, statuses: [status] }));
  return userId === undefined ? [EVERYTHING] : [indexed('user', user)];
}

function indexed(by: string, filter: SessionFilter): Stream {
  const index = by === 'status' && filter.userId !== undefined ? 'by_user_and_status' : `by_${by}`;
  return { ...ofWhom(filter), from: `session s INDEXED BY ${index}`, place: 's.n' };
}

function ofWhom({ statuses, userId }: SessionFilter): Condition {
  return {
    where: [
      ...(userId === undefined ? [] : ['s.user_id = ?']),
      ...(statuses ? [`s.status IN (${statuses.map(() => '?').join()})`] : []),
    ],
    bound: [...(userId === undefined ? [] : [userId]), ...(statuses ?? [])].map(toColumn),
  };
}

function inRange(
  { stream, conditions }: Selection,
  { createdAfter, createdBefore }: SessionFilter,
): Selection {
  const { place } = stream;
  const range = {
    where: [
      ...(createdAfter === undefined ? [] : [`${place} >= ?`]),
      ...(createdBefore === undefined ? [] : [`${place} < ?`]),
    ],
    bound: [createdAfter, createdBefore].filter((time) => time !== undefined).map(firstPlaceAt),
  };
  return { stream, conditions: [range, ...conditions] };
}

/** Not by UTF-16 units, among which the characters beyond 16 bits have their place in the middle. */
function byCodePoints(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function nearestRank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}
