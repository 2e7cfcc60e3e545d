/**
 * How PostgreSQL goes about each documented listing: the statements that the store makes for it, explained and run, and
 * whether any of them reads a whole table.
 */

import pg from 'pg';
import { findPage } from '../../dist/session/store/postgres/session-queries.js';
import { listings, type Middle } from './listings.js';

export interface Explained {
  readonly listing: string;
  /** Planning and running all statements of a page, in milliseconds. */
  readonly ms: number;
  /** Blocks of 8 kB that were looked at. */
  readonly blocks: number;
  /** Tables that were read from their beginning to their end. Small ones do not count: an index would be read for longer. */
  readonly readWhole: readonly string[];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

interface Plan {
  readonly Plan: PlanNode;
  readonly 'Planning Time': number;
  readonly 'Execution Time': number;
}

const MIDDLE = 'SELECT id, created_at AS "createdAt" FROM sessions ORDER BY created_at, id LIMIT 1 OFFSET $1';
const COUNT = 'SELECT count(*)::int AS sessions FROM sessions';
const SMALL_BYTES = 1_000_000;
const SMALL = `
  SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = 'sessions'::regclass AND pg_relation_size(inhrelid) < ${SMALL_BYTES}`;

/** @param listed says which listing comes next */
export async function explainListings(
  url: string,
  listed: (listing: string) => void = () => undefined,
): Promise<Explained[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { sessions } = (await client.query<{ sessions: number }>(COUNT)).rows[0] as { sessions: number };
    const [middle] = (await client.query<Middle>(MIDDLE, [Math.floor(sessions / 2)])).rows;
    const small = new Set((await client.query<{ name: string }>(SMALL)).rows.map(({ name }) => name));
    const explained: Explained[] = [];
    for (const [listing, query] of Object.entries(listings(middle as Middle, sessions))) {
      listed(listing);
      const plans: Plan[] = [];
      await findPage(explaining(client, plans), query);
      explained.push(summary(listing, plans, small));
    }
    return explained;
  } finally {
    await client.end();
  }
}

/** Answers as the client does, and has each statement explained besides, once its data were read. */
function explaining(client: pg.Client, plans: Plan[]): Pick<pg.ClientBase, 'query'> {
  const query = async (text: string, values: unknown[]) => {
    const answer = await client.query(text, values);
    const { rows } = await client.query<{ 'QUERY PLAN': [Plan] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    );
    plans.push(...(rows[0]?.['QUERY PLAN'] ?? []));
    return answer;
  };
  return { query } as unknown as Pick<pg.ClientBase, 'query'>;
}

function summary(listing: string, plans: readonly Plan[], small: ReadonlySet<string>): Explained {
  const sum = (of: (plan: Plan) => number) => plans.reduce((all, plan) => all + of(plan), 0);
  const readWhole = plans
    .flatMap(({ Plan }) => nodesOf(Plan))
    .filter((node) => node['Node Type'] === 'Seq Scan' && node['Actual Loops'] > 0)
    .flatMap((node) => node['Relation Name'] ?? [])
    .filter((name) => !small.has(name));
  return {
    listing,
    ms: sum((plan) => plan['Planning Time'] + plan['Execution Time']),
    blocks: sum(({ Plan }) => Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']),
    readWhole: [...new Set(readWhole)].sort(),
  };
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
