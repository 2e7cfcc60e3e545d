/** Rows 1 and 2: what the product's work costs beside what Nest and HTTP cost anyway. */

import { type Bench, UNKNOWN_ADAPTER } from '../bench.js';
import { atLeast, type Figure, ratioOf, sampleOf } from '../figure.js';
import { type Adapter, bareNest, isKnown } from '../servers/programs.js';
import { type Program, type Server, withServers } from '../servers/server.js';
import { CONNECTIONS, type Row } from './row.js';

const CREATE_BODY = '{"user_id":"developer@example.com"}';

export const getRow: Row = {
  name: 'get',
  what: 'GET /session/{id} beside a bare Nest handler that answers the same bytes',
  measure: (bench) => forEachAdapter(bench, 'get', 'GET of one session', getFigure),
};

export const createRow: Row = {
  name: 'create',
  what: 'durable POST /session/create beside a bare Nest handler with the same check of the body',
  measure: (bench) => forEachAdapter(bench, 'create', 'durable creation over HTTP', createFigure),
};

interface Named {
  readonly name: string;
  readonly what: string;
}

async function forEachAdapter(
  bench: Bench,
  name: string,
  what: string,
  measure: (bench: Bench, adapter: Adapter, named: Named) => Promise<Figure>,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const adapter of bench.wish.adapters) {
    const named = { name: `${name}-${adapter}`, what: `${what}, ${adapter}` };
    if (isKnown(adapter)) figures.push(await measure(bench, adapter, named));
    else figures.push({ ...named, unit: '/s', aims: [], note: `not available: ${UNKNOWN_ADAPTER}` });
  }
  return figures;
}

async function getFigure(bench: Bench, adapter: Adapter, named: Named): Promise<Figure> {
  const set = await bench.smallest;
  const path = set.onePath;
  return withServers([bench.server(set, adapter)], async (server) => {
    const answer = await (await fetch(`${server?.url}${path}`)).json();
    const job = { ...many(bench), method: 'GET', paths: [path] } as const;
    const side = ({ url }: Server) => bench.load.rate({ ...job, url });
    const floor = bareNest(adapter, answer);
    return compared(bench, { ...named, aim: 0.85 }, server as Server, floor, side);
  });
}

async function createFigure(bench: Bench, adapter: Adapter, named: Named): Promise<Figure> {
  const set = await bench.scratch();
  return withServers([bench.server(set, adapter)], async (server) => {
    const headers = { 'content-type': 'application/json' };
    const target = `${server?.url}/session/create`;
    const answer = await (await fetch(target, { method: 'POST', headers, body: CREATE_BODY })).json();
    const job = { ...many(bench), method: 'POST', paths: ['/session/create'], body: CREATE_BODY } as const;
    const side = ({ url }: Server) => bench.load.rate({ ...job, url });
    const floor = bareNest(adapter, answer);
    return compared(bench, { ...named, aim: 0.5 }, server as Server, floor, side);
  });
}

function many({ wish }: Bench) {
  return { connections: CONNECTIONS, seconds: wish.seconds };
}

async function compared(
  bench: Bench,
  { name, what, aim }: Named & { readonly aim: number },
  server: Server,
  floor: Program,
  side: (server: Server) => Promise<{ perSecond: number; failed: number }>,
): Promise<Figure> {
  return withServers([floor], async (bare) => {
    let failed = 0;
    const rate = async (of: Server) => {
      const result = await side(of);
      failed += result.failed;
      return result.perSecond;
    };
    const sides = { product: () => rate(server), floor: () => rate(bare as Server) };
    const rounds = await bench.alternate(name, sides);
    return {
      name,
      what,
      unit: '/s',
      measured: sampleOf(rounds.product),
      comparedWith: { what: 'a bare Nest handler', ...sampleOf(rounds.floor) },
      ratio: ratioOf(rounds.product, rounds.floor),
      aims: [atLeast(aim)],
      ...(failed > 0 && { note: `${failed} requests failed` }),
    };
  });
}
