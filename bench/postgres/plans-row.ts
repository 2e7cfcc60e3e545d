/** What each documented listing costs at the largest size, and that none of them reads a whole table. */

import { count } from '../../dist/cli/text.js';
import { atMost, type Figure, sampleOf } from '../figure.js';
import type { Row } from '../rows/row.js';
import { explainListings } from './plans.js';
import type { PostgresBench } from './postgres-bench.js';

/** A page of 50: of any filter, and where what is passed over has to be counted. */
const LIMIT_MS = 25;

export const plansRow: Row<PostgresBench> = {
  name: 'plans',
  what: 'EXPLAIN (ANALYZE) of a page of 50 of every documented filter: what it takes, and whether a whole table was read',
  measure: async (bench) => {
    const { url, sessions } = await bench.largest;
    const rounds = new Map<string, { ms: number[]; readWhole: Set<string> }>();
    for (let round = 0; round < bench.wish.rounds; round += 1) {
      const explained = await explainListings(url, (listing) =>
        bench.say(`plans: round ${round + 1} of ${bench.wish.rounds}, ${listing}`),
      );
      for (const { listing, ms, readWhole } of explained) {
        const known = rounds.get(listing) ?? { ms: [], readWhole: new Set() };
        known.ms.push(ms);
        for (const name of readWhole) known.readWhole.add(name);
        rounds.set(listing, known);
      }
    }
    const whole = [...rounds].filter(([, { readWhole }]) => readWhole.size > 0);
    bench.say(`plans: ${whole.length} of ${rounds.size} listings read a whole table`);
    return [...rounds].map(
      ([listing, { ms, readWhole }]): Figure => ({
        name: `plan-${listing.replaceAll(/[ ,]+/g, '-')}`,
        what: `page of 50, ${listing}, ${count(sessions, 'session')}`,
        unit: 'ms',
        measured: sampleOf(ms),
        aims: listing.startsWith('offset') ? [] : [atMost(LIMIT_MS)],
        ...(readWhole.size > 0 && { note: `read the whole of ${[...readWhole].join(', ')}` }),
      }),
    );
  },
};
