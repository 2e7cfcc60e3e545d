/** What of all that was not synced a power cut leaves: the extremes, and outcomes drawn at random. */

import type { Random } from '../random.js';
import type { Outcome } from './disk-model.js';

const nothing = { sectorSize: 512, hasChange: () => false, hasSector: () => false };
const everything = { sectorSize: 512, hasChange: () => true, hasSector: () => true };
const shortest = (least: number) => least;
const longest = (_: number, reached: number, written: number) => Math.max(reached, written);

/** What no random choice must miss. */
export const EXTREMES: Readonly<Record<string, Outcome>> = {
  'nothing that was not synced': { ...nothing, length: shortest },
  everything: { ...everything, length: (_, __, written) => written },
  'names without content': { ...nothing, hasChange: () => true, length: shortest },
  'names, and zeros for content': { ...nothing, hasChange: () => true, length: longest },
  'content without names': { ...everything, hasChange: () => false, length: longest },
};

/** Any other; how much of everything is there is drawn, too. */
export function drawnOutcome(draw: Random): Outcome {
  const [changes, sectors] = [0.1 + 0.2 * draw.below(5), 0.1 + 0.2 * draw.below(5)];
  return {
    sectorSize: draw.happens(0.5) ? 512 : 4_096,
    hasChange: () => draw.happens(changes),
    hasSector: () => draw.happens(sectors),
    length: (least, reached, written) => {
      const most = Math.max(reached, written);
      const between = least + draw.below(most - least + 1);
      return [least, reached, written, between][draw.below(4)] as number;
    },
  };
}
