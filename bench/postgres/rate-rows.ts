/**
 * How much one and several instances do over one database, in process and over HTTP, beside the same transactions in plain
 * `pg`: by as many processes, and with HTTP from a bare Nest handler.
 */

import { count } from '../../dist/cli/text.js';
import { atLeast, type Figure, ratioOf, sampleOf } from '../figure.js';
import { CONNECTIONS, type Row } from '../rows/row.js';
import { type Adapter, bareNest, isKnown } from '../servers/programs.js';
import { type Program, type Server, withServers } from '../servers/server.js';
import { pathsOf } from './databases.js';
import type { InstanceJob } from './instances.js';
import type { PostgresBench } from './postgres-bench.js';

type Work = InstanceJob['work'];

const IN_PROCESS: Readonly<Record<Work, readonly [what: string, floor: string]>> = {
  get: ['a session read in process, 64 at once', 'SELECT'],
  create: ['durable creation in process, 64 at once', 'INSERT'],
  append: [
    'durable updateStatus in process, 64 sessions at once',
    'BEGIN, SELECT FOR UPDATE, UPDATE, COMMIT',
  ],
};
const BODY = '{"user_id":"developer@example.com"}';
/** Sessions that are read. */
const READ = 1_000;

export const inProcessRow = (work: Work): Row<PostgresBench> => ({
  name: `${work}-in-process`,
  what: `${IN_PROCESS[work][0]}, by one and by several instances, beside ${IN_PROCESS[work][1]} in plain pg`,
  measure: async (bench) => {
    const set = work === 'get' ? await bench.largest : await bench.scratch();
    const paths = work === 'get' ? await pathsOf(set, READ) : [];
    const ids = paths.map((path) => path.slice('/session/'.length));
    const { seconds } = bench.wish;
    const figures: Figure[] = [];
    for (const instances of bench.wish.instances) {
      const rate = (side: InstanceJob['side']) => () =>
        bench.instances.rate(instances, { side, work, url: set.url, seconds, ids });
      const name = `${work}-in-process-${instances}`;
      const rounds = await bench.alternate(name, { product: rate('product'), floor: rate('floor') });
      const [what, floor] = IN_PROCESS[work];
      const named = { name, what: `${what}, ${count(instances, 'instance')}` };
      figures.push(beside(named, `${floor} in plain pg`, rounds));
    }
    return figures;
  },
});

export const httpRow = (work: 'get' | 'create'): Row<PostgresBench> => ({
  name: work,
  what: `${work === 'get' ? 'GET of one session' : 'durable creation'} over HTTP, by one and by several instances, beside a bare Nest handler with the one statement`,
  measure: async (bench) => {
    const figures: Figure[] = [];
    for (const adapter of bench.wish.adapters.filter(isKnown))
      for (const instances of bench.wish.instances)
        figures.push(await overHttp(bench, work, adapter, instances));
    return figures;
  },
});

async function overHttp(
  bench: PostgresBench,
  work: 'get' | 'create',
  adapter: Adapter,
  instances: number,
): Promise<Figure> {
  const set = work === 'get' ? await bench.largest : await bench.scratch();
  const what = work === 'get' ? 'GET of one session' : 'durable creation over HTTP';
  const named = {
    name: `${work}-${adapter}-${instances}`,
    what: `${what}, ${adapter}, ${count(instances, 'instance')}`,
  };
  const paths = work === 'get' ? await pathsOf(set, READ) : ['/session/create'];
  const rate = (servers: readonly Server[]) => rateOfAll(bench, servers, work, paths);
  const as = (program: Program) => Array.from({ length: instances }, () => program);
  return withServers(as(bench.server(set, adapter)), async (...servers) => {
    const answer = await answerOf(servers[0] as Server, work, set.onePath);
    const floor = bareNest(adapter, answer, set.url);
    return withServers(as(floor), async (...bare) => {
      const sides = { product: () => rate(servers), floor: () => rate(bare) };
      return beside(named, 'a bare Nest handler and the statement', await bench.alternate(named.name, sides));
    });
  });
}

async function answerOf({ url }: Server, work: 'get' | 'create', path: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const asked =
    work === 'get'
      ? fetch(`${url}${path}`)
      : fetch(`${url}/session/create`, { method: 'POST', headers, body: BODY });
  return (await asked).json();
}

/** Each server asked by a process of its own, all at the same time, by as many connections together. */
async function rateOfAll(
  bench: PostgresBench,
  servers: readonly Server[],
  work: 'get' | 'create',
  paths: readonly string[],
): Promise<number> {
  const connections = Math.ceil(CONNECTIONS / servers.length);
  const how = work === 'get' ? { method: 'GET' as const } : { method: 'POST' as const, body: BODY };
  const loads = bench.loads(servers.length);
  const rates = await Promise.all(
    servers.map(({ url }, index) =>
      loads[index]?.rate({ ...how, url, paths, connections, seconds: bench.wish.seconds }),
    ),
  );
  const failed = rates.reduce((sum, rate) => sum + (rate?.failed ?? 0), 0);
  if (failed > 0) throw new Error(`${failed} requests failed`);
  return rates.reduce((sum, rate) => sum + (rate?.perSecond ?? 0), 0);
}

function beside(
  named: { readonly name: string; readonly what: string },
  floor: string,
  rounds: { readonly product: readonly number[]; readonly floor: readonly number[] },
): Figure {
  return {
    ...named,
    unit: '/s',
    measured: sampleOf(rounds.product),
    comparedWith: { what: floor, ...sampleOf(rounds.floor) },
    ratio: ratioOf(rounds.product, rounds.floor),
    aims: [atLeast(0.5)],
  };
}
