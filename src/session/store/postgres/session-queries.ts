/**
 * What is asked of many sessions: pages of those that fit a filter, and statistics over them, as SQL.
 */

import type { ClientBase } from 'pg';
import { fromColumn, toColumn } from '../../domain/column-text.js';
import { wordsOf } from '../../domain/search-words.js';
import {
  type ListQuery,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  STATS_LIMITS,
} from '../session-store.js';
import { type ListedRow, labelText, listedFrom } from './session-rows.js';

/** A statement and what is bound to it. */
class Statement {
  readonly values: unknown[] = [];

  /** Where a value stands in the text. */
  bind(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

/**
 * How many sessions are looked at in their order, before the index of words or labels is asked: it gives all that fit, in no
 * order, and how many that will be the planner can only guess.
 */
const LOOKED_AT = 5_000;

const CREATED_MS = 'round(extract(epoch FROM created_at) * 1000)::float8 AS created_ms';
const SHOWN = `id, listed, ${CREATED_MS}`;

/** A row of a page, and where it stands among all, which what it shows need not say. */
interface PlacedRow extends ListedRow {
  readonly created_ms: number;
}

export async function findPage(client: Pick<ClientBase, 'query'>, query: ListQuery): Promise<SessionPage> {
  const { filter = {}, limit, counted } = query;
  const rows = await findRows(client, query);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const total = counted ? { total: await count(client, filter) } : {};
  return { sessions: shown.map(listedFrom), next: last ? positionOf(last) : null, ...total, complete: true };
}

/** One session more than the page shows: whether there is a next one. */
async function findRows(client: Pick<ClientBase, 'query'>, query: ListQuery): Promise<PlacedRow[]> {
  const { filter = {}, limit } = query;
  const run = async (textOf: (statement: Statement) => string) => {
    const statement = new Statement();
    return (await client.query<PlacedRow>(textOf(statement), statement.values)).rows;
  };
  if (!filter.labels && filter.text === undefined) return run((statement) => orderedPage(statement, query));
  const soon = await run((statement) => firstLookedAt(statement, query));
  return soon.length > limit ? soon : run((statement) => sortedPage(statement, query));
}

/** Where an index has them in their order. What is passed over is not read, but for its place in the index. */
function orderedPage(statement: Statement, query: ListQuery): string {
  const { limit, offset = 0 } = query;
  const page = (columns: string) => inOrder(statement, query, columns, limit + 1, offset);
  if (offset === 0) return page(`created_at, ${SHOWN}`);
  const shown = `SELECT ${SHOWN} FROM sessions WHERE sessions.id = page.id`;
  return `SELECT shown.* FROM (${page('created_at, id')}) page CROSS JOIN LATERAL (${shown}) shown ${orderOf(query, 'page.')}`;
}

/** What is there of a page among those that come first: enough where many sessions fit. */
function firstLookedAt(statement: Statement, query: ListQuery): string {
  const { filter = {}, limit, offset = 0 } = query;
  const fits = containedConditions(statement, filter).join(' AND ') || 'true';
  const most = Math.ceil(LOOKED_AT / Math.max(1, filter.statuses?.length ?? 1));
  const first = inOrder(
    statement,
    query,
    `created_at, ${CREATED_MS}, id, CASE WHEN ${fits} THEN listed END AS listed`,
    most,
  );
  return `SELECT id, listed, created_ms FROM (${first}) first WHERE listed IS NOT NULL ${orderOf(query)} LIMIT ${limit + 1} OFFSET ${offset}`;
}

/**
 * All that fit, sorted, and of them a page. By time and id as one value, an order that no index has: with one the planner might
 * choose to walk through all sessions.
 */
function sortedPage(statement: Statement, query: ListQuery): string {
  const { filter = {}, order = 'newest', limit, offset = 0 } = query;
  const conditions = [...conditionsOf(statement, filter), ...beyondCursor(statement, query)];
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  return `SELECT ${SHOWN} FROM sessions ${where(conditions)} ORDER BY (created_at, id) ${direction} LIMIT ${limit + 1} OFFSET ${offset}`;
}

/**
 * The first sessions that fit what indexes are ordered within. Of several statuses each has its own order in the index: the
 * first of each are merged, since a walk in the order of all could find none of them in the months that it has to pass.
 */
function inOrder(statement: Statement, query: ListQuery, columns: string, limit: number, offset = 0): string {
  const { statuses = [], ...others } = query.filter ?? {};
  const conditions = [...placedConditions(statement, others), ...beyondCursor(statement, query)];
  const wanted = [...new Set(statuses.map(toColumn))];
  const order = orderOf(query);
  const of = (status: string[]) =>
    `SELECT ${columns} FROM sessions ${where([...conditions, ...status])} ${order}`;
  const page = `LIMIT ${limit} OFFSET ${offset}`;
  if (wanted.length === 0) return `${of([])} ${page}`;
  if (wanted.length === 1) return `${of([`status = ${statement.bind(wanted[0])}`])} ${page}`;
  const each = `unnest(${statement.bind(wanted)}::text[]) AS wanted(name)`;
  const one = `${of(['status = wanted.name'])} LIMIT ${offset + limit}`;
  return `SELECT one.* FROM ${each} CROSS JOIN LATERAL (${one}) one ${order} ${page}`;
}

function orderOf({ order = 'newest' }: ListQuery, table = ''): string {
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  return `ORDER BY ${table}created_at ${direction}, ${table}id ${direction}`;
}

function beyondCursor(statement: Statement, { after, order = 'newest' }: ListQuery): string[] {
  if (after === undefined) return [];
  const [createdAt, id] = positionFrom(after);
  const beyond = order === 'newest' ? '<' : '>';
  return [`(created_at, id) ${beyond} (${statement.bind(createdAt)}, ${statement.bind(id)})`];
}

async function count(client: Pick<ClientBase, 'query'>, filter: SessionFilter): Promise<number> {
  const { rows } = await grouped<{ sessions: string }>(client, filter, 'count(*) AS sessions', '');
  return Number(rows[0]?.sessions);
}

export async function countSessions(client: ClientBase, filter: SessionFilter): Promise<SessionStats> {
  const statuses = await grouped<{ status: string; sessions: string }>(
    client,
    filter,
    'status, count(*) AS sessions',
    'GROUP BY 1 ORDER BY 2 DESC, status COLLATE "C"',
  );
  const days = await grouped<{ day: string; sessions: string }>(
    client,
    filter,
    `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, count(*) AS sessions`,
    `GROUP BY 1 ORDER BY 1 DESC LIMIT ${STATS_LIMITS.days}`,
  );
  const timings = await grouped<{ name: string; sessions: string; p50: number; p95: number }>(
    client,
    filter,
    'name, count(*) AS sessions, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms::float8) AS p50, percentile_disc(0.95) WITHIN GROUP (ORDER BY ms::float8) AS p95',
    `GROUP BY 1 ORDER BY 2 DESC, name COLLATE "C" LIMIT ${STATS_LIMITS.timings}`,
    'sessions CROSS JOIN LATERAL jsonb_each_text(timing) AS one(name, ms)',
  );
  const counted = statuses.rows.map((row) => ({
    status: fromColumn(row.status),
    sessions: Number(row.sessions),
  }));
  return {
    total: counted.reduce((sum, { sessions }) => sum + sessions, 0),
    statuses: counted,
    days: days.rows.map(({ day, sessions }) => ({ day, sessions: Number(sessions) })),
    timings: timings.rows.map(({ name, sessions, p50, p95 }) => ({
      name: fromColumn(name),
      sessions: Number(sessions),
      p50,
      p95,
    })),
    complete: true,
  };
}

function grouped<Row extends object>(
  client: Pick<ClientBase, 'query'>,
  filter: SessionFilter,
  columns: string,
  rest: string,
  from = 'sessions',
) {
  const statement = new Statement();
  const conditions = conditionsOf(statement, filter);
  return client.query<Row>(`SELECT ${columns} FROM ${from} ${where(conditions)} ${rest}`, statement.values);
}

const where = (conditions: readonly string[]) =>
  conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';

function conditionsOf(statement: Statement, filter: SessionFilter): string[] {
  const { statuses } = filter;
  const conditions = [...placedConditions(statement, filter), ...containedConditions(statement, filter)];
  if (statuses) conditions.push(`status = ANY(${statement.bind(statuses.map(toColumn))}::text[])`);
  return conditions;
}

/** What indexes are ordered within, but for the status. */
function placedConditions(
  statement: Statement,
  { userId, createdAfter, createdBefore }: SessionFilter,
): string[] {
  const conditions: string[] = [];
  if (userId !== undefined) conditions.push(`user_id = ${statement.bind(toColumn(userId))}`);
  if (createdAfter !== undefined) conditions.push(`created_at >= ${statement.bind(timeOf(createdAfter))}`);
  if (createdBefore !== undefined) conditions.push(`created_at < ${statement.bind(timeOf(createdBefore))}`);
  return conditions;
}

/** What an index can say of each session, in no order. */
function containedConditions(statement: Statement, { labels = {}, text }: SessionFilter): string[] {
  const conditions: string[] = [];
  const wanted = Object.entries(labels).map(([key, value]) => labelText(key, value));
  if (wanted.length > 0) conditions.push(`labels @> ${statement.bind(wanted)}::text[]`);
  if (text !== undefined) conditions.push(wordsCondition(statement, wordsOf(text)));
  return conditions;
}

/** Words of letters and digits need no more than their quotes. */
function wordsCondition(statement: Statement, words: readonly string[]): string {
  if (words.length === 0) return 'false';
  const query = words.map((word) => `'${word}':*`).join(' & ');
  return `words @@ ${statement.bind(query)}::tsquery`;
}

/** Where a session stands among all: by its time of creation, and of one millisecond by its id. */
function positionOf({ created_ms, id }: PlacedRow): string {
  return `${created_ms}:${id}`;
}

/** @throws RangeError */
function positionFrom(position: string): [createdAt: string, id: string] {
  const [, milliseconds, id] = /^(-?\d{1,15}):([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(position) ?? [];
  if (milliseconds === undefined || id === undefined) throw new RangeError('not a position of this store');
  const createdAt = new Date(Number(milliseconds)).toISOString();
  if (!/^\d{4}-/.test(createdAt)) throw new RangeError('no session is of that year');
  return [timeOf(createdAt), id];
}

/** A time as PostgreSQL reads it: there the year before the year 1 is 1 BC. */
function timeOf(instant: string): string {
  return instant.startsWith('0000') ? `0001${instant.slice(4)} BC` : instant;
}
