/** Rows 4 and 5: whether a million sessions are as fast as ten, read by id and listed by a filter. */

import { count } from '../../dist/cli/text.js';
import { type Bench, mustAnswer } from '../bench.js';
import type { DataSet } from '../data-set/data-set.js';
import { bringIntoMemory } from '../data-set/in-memory.js';
import { Random } from '../data-set/random.js';
import { users } from '../data-set/vocabulary.js';
import { atLeast, atMost, type Figure, ratioAtMost, ratioOf, sampleOf } from '../figure.js';
import type { FolderBench } from '../folder-bench.js';
import { type Server, withServers } from '../servers/server.js';
import { CONNECTIONS, type Row } from './row.js';

/** Sessions that are asked for again and again, where that is measured. */
const HOT = 1_000;
/** The size at which a page is measured besides the largest. */
const SMALL_PAGE = 1_000;
const PAGE = 50;
const PAGES_DRAWN = 1_000;

export const getAtSizeRow: Row<FolderBench> = {
  name: 'get-at-size',
  what: 'GET /session/{id} with the largest data set beside the smallest',
  measure: async (bench) => {
    const [small, large] = [await bench.smallest, await bench.largest];
    if (small === large) return [];
    const sets = [await bench.indexed(small), await bench.indexed(large)];
    const programs = sets.map((set) => bench.server(set));
    bench.say(
      `looking at ${count(large.sessions, 'session')}, so that the system has in memory where they lie`,
    );
    await bringIntoMemory(large.folder);
    return withServers(programs, async (few, many) => {
      const rate = (server: Server | undefined, folder: string, hot?: number) => async () => {
        const paths = { folder, ...(hot && { hot }) };
        const job = { method: 'GET', paths, connections: CONNECTIONS, seconds: bench.wish.seconds } as const;
        return (await bench.load.rate({ ...job, url: (server as Server).url })).perSecond;
      };
      const sides = {
        floor: rate(few, small.folder),
        random: rate(many, large.folder),
        hot: rate(many, large.folder, HOT),
      };
      const rounds = await bench.alternate('get-at-size', sides);
      const comparedWith = { what: `with ${count(small.sessions, 'session')}`, ...sampleOf(rounds.floor) };
      const figure = (side: 'random' | 'hot', of: string): Figure => ({
        name: `get-at-size-${side}`,
        what: `GET of ${of} of ${count(large.sessions, 'session')}`,
        unit: '/s',
        measured: sampleOf(rounds[side]),
        comparedWith,
        ratio: ratioOf(rounds[side], rounds.floor),
        aims: side === 'random' ? [atLeast(0.9)] : [],
      });
      return [figure('random', 'any'), figure('hot', count(Math.min(HOT, large.sessions), 'hot one'))];
    });
  },
};

export const pageRow: Row = {
  name: 'page',
  what: `a page of ${PAGE}, filtered by status and user, at the largest size and at ${count(SMALL_PAGE, 'session')}`,
  measure: async (bench) => {
    const large = await bench.indexed(await bench.largest);
    const [small] = await Promise.all((await nearest(bench)).map((set) => bench.indexed(set)));
    const sets = small ? [large, small] : [large];
    return withServers(
      sets.map((set) => bench.server(set)),
      async (...servers) => {
        const paths = drawPages();
        await mustAnswer(servers[0] as Server, paths[0] as string);
        const job = { method: 'GET', paths, connections: 1, seconds: bench.wish.seconds } as const;
        const p50 = async (url: string) => (await bench.load.latency({ ...job, url })).p50;
        const sides = servers.map(({ url }, index) => [sets[index]?.sessions, () => p50(url)]);
        const rounds = await bench.alternate('page', Object.fromEntries(sides));
        return [pageFigure(large, small, rounds)];
      },
    );
  },
};

function pageFigure(
  large: DataSet,
  small: DataSet | undefined,
  rounds: Readonly<Record<number, readonly number[]>>,
): Figure {
  const measured = rounds[large.sessions] as readonly number[];
  const figure = {
    name: 'page',
    what: `filtered page of ${PAGE} at ${count(large.sessions, 'session')}, p50`,
    unit: 'ms' as const,
    measured: sampleOf(measured),
  };
  if (!small) return { ...figure, aims: [atMost(5)] };
  const before = rounds[small.sessions] as readonly number[];
  return {
    ...figure,
    comparedWith: { what: `at ${count(small.sessions, 'session')}`, ...sampleOf(before) },
    ratio: ratioOf(measured, before),
    aims: [atMost(5), ratioAtMost(3)],
  };
}

/** Of the data sets but the largest, the one whose size is nearest to what is wanted; none where there is one only. */
async function nearest(bench: Bench): Promise<DataSet[]> {
  const distance = (sessions: number) => Math.abs(Math.log(sessions / SMALL_PAGE));
  const others = bench.wish.sessions.slice(0, -1);
  const sorted = [...others].sort((left, right) => distance(left) - distance(right));
  return Promise.all(sorted.slice(0, 1).map((size) => bench.dataSet(size)));
}

/** People ask for their own sessions: who has many asks often. */
function drawPages(): string[] {
  const random = new Random(PAGES_DRAWN);
  return Array.from({ length: PAGES_DRAWN }, () => {
    const user = encodeURIComponent(users.draw(random));
    return `/session?status=completed&user_id=${user}&limit=${PAGE}`;
  });
}
