/**
 * The commands that the clients send, drawn from a random generator: what goes over the wire, and which events the log
 * must have of it. Each says by whom it was made in every event, by a label or by its reason.
 */

import { ASSESSMENT_LIFECYCLE, allowedFrom } from '../../src/session/domain/lifecycle.js';
import { describeEvent } from '../history/history.js';
import type { Random } from '../random.js';

export interface Command {
  readonly body: object;
  readonly events: readonly string[];
}

/** Large enough for a write that takes a while, so that a kill may come in the middle of it. */
const LARGE = 100_000;
const LARGE_ONE_IN = 10;
const OUTPUTS = ['requirement', 'matches', 'modules', 'stories'];
const TIMINGS = ['search_ms', 'modules_ms', 'stories_ms'];

export function creation(name: string, client: string): Command {
  const labels = { made_by: name };
  const events = [describeEvent('session_created', { user_id: client, status: 'created', labels })];
  return { body: { user_id: client, labels }, events };
}

/**
 * A report of progress that changes something, whatever the session holds: its values were never used before.
 * With `status`, the status that the session has, it moves on from there if it can.
 */
export function report(name: string, unique: number, random: Random, status?: string): Command {
  const events: string[] = [];
  const body: Record<string, unknown> = { reason: name };
  const next = status === undefined ? undefined : nextStatus(status, random);
  const wanted = random.below(15) + 1;
  if (wanted & 1) {
    body.labels = { changed_by: name };
    events.push(describeEvent('labels_changed', { labels: body.labels }));
  }
  if (wanted & 2) {
    body.outputs = drawOutputs(name, random);
    for (const [output, value] of Object.entries(body.outputs as object))
      events.push(describeEvent('output_recorded', { name: output, value }));
  }
  if (wanted & 4) {
    const timing = random.oneOf(TIMINGS);
    body.timing = { [timing]: unique };
    events.push(describeEvent('timing_recorded', { name: timing, ms: unique }));
  }
  if (wanted & 8) {
    const steps = Array.from({ length: 1 + random.below(2) }, (_, n) => `${name}/${n}`);
    body.steps_completed = steps;
    events.push(...steps.map((step) => describeEvent('step_completed', { step })));
  }
  if (next !== undefined) {
    body.status = next;
    const message = `${name} gave up`;
    const failed = next === ASSESSMENT_LIFECYCLE.failure;
    if (failed) body.error = message;
    const error = { error: 'Error', message, component: null, details: {} };
    events.push(describeEvent('status_changed', { from: status, to: next, ...(failed && { error }) }));
  }
  return { body, events };
}

/** Most sessions go the whole way, some fail. */
function nextStatus(status: string, random: Random): string | undefined {
  const [onwards, failure] = allowedFrom(ASSESSMENT_LIFECYCLE, status);
  return random.below(12) === 0 ? (failure ?? onwards) : onwards;
}

function drawOutputs(name: string, random: Random): Record<string, object> {
  const size = random.below(LARGE_ONE_IN) === 0 ? LARGE : random.below(200);
  const first = random.below(OUTPUTS.length);
  const count = 1 + random.below(2);
  const names = Array.from({ length: count }, (_, n) => OUTPUTS[(first + n) % OUTPUTS.length] as string);
  return Object.fromEntries(names.map((output) => [output, { by: name, text: 'x'.repeat(size) }]));
}
