/**
 * What is asked of many sessions: pages of those that fit a filter, and statistics over them, as SQL.
 */

import type { ClientBase } from 'pg';
import { fromColumn, toColumn } from '../../domain/column-text.js';
import type { ListedSession } from '../../domain/session-document.js';
import {
  type ListQuery,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  STATS_LIMITS,
} from '../session-store.js';
import { labelText, searchWords } from './session-rows.js';

/** A statement and what is bound to it. */
class Statement {
  readonly values: unknown[] = [];

  /** Where a value stands in the text. */
  bind(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

export async function findPage(client: Pick<ClientBase, 'query'>, query: ListQuery): Promise<SessionPage> {
  const { filter = {}, limit, counted } = query;
  const statement = new Statement();
  const text = pageText(statement, query);
  const { rows } = await client.query<{ listed: string }>(text, statement.values);
  const sessions = rows.slice(0, limit).map(({ listed }): ListedSession => JSON.parse(listed));
  const last = sessions.at(-1);
  const total = counted ? { total: await count(client, filter) } : {};
  return { sessions, next: last && rows.length > limit ? positionOf(last) : null, ...total, complete: true };
}

/** One session more than the page shows: whether there is a next one. */
function pageText(statement: Statement, query: ListQuery): string {
  const { filter = {}, order = 'newest', limit, after, offset = 0 } = query;
  const [direction, beyond] = order === 'newest' ? ['DESC', '<'] : ['ASC', '>'];
  const conditions = conditionsOf(statement, filter);
  if (after !== undefined) {
    const [createdAt, id] = positionFrom(after);
    conditions.push(`(created_at, id) ${beyond} (${statement.bind(createdAt)}, ${statement.bind(id)})`);
  }
  return `SELECT listed FROM sessions ${where(conditions)} ORDER BY created_at ${direction}, id ${direction} LIMIT ${limit + 1} OFFSET ${offset}`;
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
  const { statuses, userId, createdAfter, createdBefore, labels = {}, text } = filter;
  const conditions: string[] = [];
  if (userId !== undefined) conditions.push(`user_id = ${statement.bind(toColumn(userId))}`);
  if (statuses) conditions.push(`status = ANY(${statement.bind(statuses.map(toColumn))}::text[])`);
  if (createdAfter !== undefined) conditions.push(`created_at >= ${statement.bind(createdAfter)}`);
  if (createdBefore !== undefined) conditions.push(`created_at < ${statement.bind(createdBefore)}`);
  const wanted = Object.entries(labels).map(([key, value]) => labelText(key, value));
  if (wanted.length > 0) conditions.push(`labels @> ${statement.bind(wanted)}::text[]`);
  if (text !== undefined) conditions.push(wordsCondition(statement, searchWords(text)));
  return conditions;
}

/** Words of letters and digits need no more than their quotes. */
function wordsCondition(statement: Statement, words: readonly string[]): string {
  if (words.length === 0) return 'false';
  const query = words.map((word) => `'${word}':*`).join(' & ');
  return `words @@ ${statement.bind(query)}::tsquery`;
}

/** Where a session stands among all: by its time of creation, and of one millisecond by its id. */
function positionOf({ createdAt, id }: ListedSession): string {
  return `${Date.parse(createdAt ?? '')}:${id}`;
}

/** @throws RangeError */
function positionFrom(position: string): [createdAt: string, id: string] {
  const [, milliseconds, id] = /^(-?\d{1,15}):([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(position) ?? [];
  if (milliseconds === undefined || id === undefined) throw new RangeError('not a position of this store');
  return [new Date(Number(milliseconds)).toISOString(), id];
}
