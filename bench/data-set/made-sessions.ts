/**
 * The sessions of a data set, day by day, as whoever keeps them would have come to know them: ids, and lines and states
 * that the product's own domain has decided.
 */

import { type Decision, logPosition, sealEvents } from '../../dist/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../dist/session/domain/lifecycle.js';
import { decidePatch, fold, type Session } from '../../dist/session/domain/session.js';
import { makeSessionId } from '../../dist/session/domain/session-id.js';
import { dayStart, type Plan } from './plan.js';
import { Random } from './random.js';
import { drawStory, type Story } from './session-story.js';

export interface MadeSession {
  readonly id: string;
  /** Its log, and its state, as if the store had been told the story. Nothing is computed before this is asked for. */
  seal(): { readonly log: Buffer; readonly session: Session };
}

const HOUR_S = 3_600;

/** The sessions of one day of a plan, which are the same whoever asks for them. */
export function* sessionsOfDay(
  plan: Plan,
  index: number,
  sessions: number,
  storeId: string,
): Generator<MadeSession> {
  const start = dayStart(plan, index);
  const random = new Random(plan.seed, start / 1_000);
  const taken = new Set<string>();
  for (let made = 0; made < sessions; made += 1) {
    const at = new Date(start + drawTimeOfDay(random));
    const id = freeId(random, at, taken);
    const story = drawStory(random, at);
    yield { id, seal: () => seal(storeId, id, story) };
  }
}

/** In milliseconds: mostly between 7 and 19 o'clock, seldom at night. */
function drawTimeOfDay(random: Random): number {
  const seconds = random.happens(0.9) ? random.between(7 * HOUR_S, 19 * HOUR_S) : random.below(23 * HOUR_S);
  return seconds * 1_000 + random.below(1_000);
}

function freeId(random: Random, at: Date, taken: Set<string>): string {
  for (;;) {
    const id = makeSessionId(at, random.below(0x1000000).toString(16).padStart(6, '0'));
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function seal(storeId: string, id: string, { opening, reports }: Story): { log: Buffer; session: Session } {
  const parts: Buffer[] = [];
  let session: Session | undefined;
  const append = (decision: Decision) => {
    const { lines, events } = sealEvents(logPosition(storeId, id, session), decision);
    parts.push(lines);
    session = fold(session, events) as Session;
    return session;
  };
  let now = append(opening);
  for (const { at, actor, patch } of reports)
    now = append({ at, actor, events: decidePatch(now, patch, { lifecycle: ASSESSMENT_LIFECYCLE }) });
  return { log: Buffer.concat(parts), session: now };
}
