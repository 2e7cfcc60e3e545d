/** What else is asked of a large data set, each as the time in which half of the answers come. */

import { count } from '../../dist/cli/text.js';
import { type Bench, mustAnswer, NotAvailable } from '../bench.js';
import { COMMON_WORD, RARE_WORD } from '../data-set/vocabulary.js';
import { type Figure, sampleOf } from '../figure.js';
import { type Server, withServers } from '../servers/server.js';
import type { Row } from './row.js';

const QUERIES = [
  ['list', 'first page of the list, with its total', '/session/list?limit=50'],
  ['newest', 'first page of 50, newest first', '/session?limit=50'],
  ['search-rare', 'search for a rare word, first page', `/session?q=${RARE_WORD}&limit=50`],
  ['search-common', 'search for a word that most have, first page', `/session?q=${COMMON_WORD}&limit=50`],
  ['stats', 'statistics of all', '/session/stats'],
] as const;

export const queriesRow: Row = {
  name: 'queries',
  what: 'lists, search and statistics of the largest data set',
  measure: async (bench) => {
    const set = await bench.indexed(await bench.largest);
    return withServers([bench.server(set)], async (server) => {
      const figures: Figure[] = [];
      for (const [name, what, path] of QUERIES) {
        const figure = { name, what: `${what}, ${count(set.sessions, 'session')}, p50` };
        figures.push(await query(bench, server as Server, figure, path));
      }
      return figures;
    });
  },
};

async function query(
  bench: Bench,
  server: Server,
  named: { name: string; what: string },
  path: string,
): Promise<Figure> {
  try {
    await mustAnswer(server, path);
    const job = { method: 'GET', paths: [path], connections: 1, seconds: bench.wish.seconds } as const;
    const p50 = async () => (await bench.load.latency({ ...job, url: server.url })).p50;
    const { product } = await bench.alternate(named.name, { product: p50 });
    return { ...named, unit: 'ms', measured: sampleOf(product), aims: [] };
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error;
    return { ...named, unit: 'ms', aims: [], note: `not available: ${error.message}` };
  }
}

export const createLatencyRow: Row = {
  name: 'create-latency',
  what: 'how long a durable creation over HTTP takes one client',
  measure: async (bench) => {
    return withServers([bench.server(await bench.scratch())], async (server) => {
      const { url } = server as Server;
      const body = '{"user_id":"developer@example.com"}';
      const job = { url, method: 'POST', paths: ['/session/create'], body, connections: 1 } as const;
      const [p50, p99]: [number[], number[]] = [[], []];
      const once = async () => {
        const times = await bench.load.latency({ ...job, seconds: bench.wish.seconds });
        p50.push(times.p50);
        p99.push(times.p99);
        return times.p50;
      };
      await bench.alternate('create-latency', { once });
      const figure = (part: string, [, ...rounds]: readonly number[]): Figure => ({
        name: `create-${part}`,
        what: `durable creation over HTTP by one client, ${part}`,
        unit: 'ms',
        measured: sampleOf(rounds),
        aims: [],
      });
      return [figure('p50', p50), figure('p99', p99)];
    });
  },
};
