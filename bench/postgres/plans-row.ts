/** What each documented listing costs at the largest size, and whether any of them reads a whole table. */

import { count } from '../../dist/cli/text.js';
import { atMost, type Figure, median, sampleOf } from '../figure.js';
import type { Row } from '../rows/row.js';
import { type Explained, explainListings } from './plans.js';
import type { PostgresBench } from './postgres-bench.js';

const LIMIT_MS = 25;

export const plansRow: Row<PostgresBench> = {
  name: 'plans',
  what: 'EXPLAIN (ANALYZE) of a page of 50 of every documented filter: what it takes, and whether a whole table was read',
  measure: async (bench) => {
    const { url, sessions } = await bench.largest;
    const rounds: Explained[][] = [];
    for (let round = 0; round < bench.wish.rounds; round += 1)
      rounds.push(
        await explainListings(url, (listing) =>
          bench.say(`plans: round ${round + 1} of ${bench.wish.rounds}, ${listing}`),
        ),
      );
    const names = rounds[0]?.map(({ listing }) => listing) ?? [];
    const figures = names.map((listing) => figureOf(listing, rounds, sessions));
    return [slowest(figures, rounds, sessions), ...figures];
  },
};

function figureOf(listing: string, rounds: readonly (readonly Explained[])[], sessions: number): Figure {
  const ofIt = rounds.flatMap((round) => round.filter((explained) => explained.listing === listing));
  const readWhole = new Set(ofIt.flatMap((explained) => explained.readWhole));
  return {
    name: `plan-${listing.replaceAll(/[ ,]+/g, '-')}`,
    what: `page of 50 in the database, ${listing}, ${count(sessions, 'session')}`,
    unit: 'ms',
    measured: sampleOf(ofIt.map(({ ms }) => ms)),
    aims: [],
    ...(readWhole.size > 0 && { note: `read the whole of ${[...readWhole].join(', ')}` }),
  };
}

/** Of all but deep offsets, whose work is to count what they pass over. */
function slowest(
  figures: readonly Figure[],
  rounds: readonly (readonly Explained[])[],
  sessions: number,
): Figure {
  const time = ({ measured }: Figure) => median(measured?.rounds ?? []);
  const filtered = figures.filter(({ name }) => !name.startsWith('plan-offset'));
  const worst = filtered.reduce((one, other) => (time(other) > time(one) ? other : one));
  const whole = rounds.flat().filter(({ readWhole }) => readWhole.length > 0);
  const listings = new Set(whole.map(({ listing }) => listing)).size;
  return {
    ...worst,
    name: 'plans',
    what: `slowest page of 50 of ${figures.length} listings in the database, ${count(sessions, 'session')}`,
    aims: [atMost(LIMIT_MS)],
    note: `${worst.name.replace('plan-', '')}; ${listings} of ${figures.length} read a whole table`,
  };
}
