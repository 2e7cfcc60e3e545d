/**
 * One session as it might have been: who asked for what, how far it came, how long it took. Every change is decided by
 * the product's own domain, so that each is one which the server would have made.
 *
 * A session that is on its way has 2 to 8 events, one that failed up to 9, a completed one 11 to 13: its statuses alone
 * are six.
 */

import type { Decision } from '../../dist/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../dist/session/domain/lifecycle.js';
import type { SessionPatch } from '../../dist/session/domain/session.js';
import type { Failure } from '../../dist/session/domain/session-event.js';
import { type Random, Weighted } from './random.js';
import { CODE_NAME_SHARE, codeNames, JIRA_PROJECTS, LABELS, users, words } from './vocabulary.js';

/** How many of a hundred sessions are found in each status. */
const SHARES = {
  completed: 70,
  error: 5,
  generating_impact: 6,
  matches_selected: 5,
  matches_found: 5,
  requirement_submitted: 5,
  created: 4,
} as const;

const endings = new Weighted(Object.entries(SHARES), ([, share]) => share);
/** The statuses of a session that goes well, in their order. */
const WAY = [
  'created',
  'requirement_submitted',
  'matches_found',
  'matches_selected',
  'generating_impact',
  'completed',
];
const COMPONENTS = ['requirement', 'search', 'search', 'modules', 'effort'];
/** How much time passes until the next report, in milliseconds, mostly. */
const PAUSE_MS = 20_000;

/** A change of a session: what was reported, when and by which component. */
export interface Report {
  readonly at: Date;
  readonly actor: string;
  readonly patch: SessionPatch;
}

export interface Story {
  readonly opening: Decision;
  readonly reports: readonly Report[];
}

export function drawStory(random: Random, at: Date): Story {
  const userId = users.draw(random);
  const data = { user_id: userId, status: ASSESSMENT_LIFECYCLE.initial, labels: drawLabels(random) };
  const opening: Decision = { at, actor: userId, events: [{ type: 'session_created', data }] };
  let now = at.getTime();
  const reports = drawPatches(random).map(({ actor, patch }) => {
    now += random.skewedAround(PAUSE_MS);
    return { at: new Date(now), actor: actor ?? userId, patch };
  });
  return { opening, reports };
}

/** From none to four. */
function drawLabels(random: Random): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, values] of Object.entries(LABELS))
    if (random.happens(0.6)) labels[key] = values.draw(random);
  return labels;
}

interface Step {
  /** The component; absent where the user did it. */
  readonly actor?: string;
  readonly patch: SessionPatch;
}

/** What was reported up to the status in which the session is found. */
function drawPatches(random: Random): Step[] {
  const [ending] = endings.draw(random);
  const failed = ending === 'error';
  const reached = failed ? random.below(WAY.length - 1) : WAY.indexOf(ending);
  const requirement = { outputs: { requirement: drawRequirement(random) } };
  // Who has only been created has said what it is about, and no more.
  const steps: Step[] =
    reached === 0 ? [{ patch: requirement }] : [...way(random, requirement)].slice(0, reached);
  return failed ? [...steps, failure(random, COMPONENTS[reached] as string)] : steps;
}

/** One report for each status after the first. */
function* way(random: Random, requirement: SessionPatch): Generator<Step> {
  yield { patch: { ...requirement, status: 'requirement_submitted' } };
  yield {
    actor: 'search',
    patch: { timing: { search_ms: random.skewedAround(1_200) }, status: 'matches_found' },
  };
  yield { patch: { status: 'matches_selected' } };
  const modules = { timing: { modules_ms: random.skewedAround(4_000) }, status: 'generating_impact' };
  yield { actor: 'modules', patch: modules };
  yield { actor: 'effort', patch: drawResult(random) };
}

function drawResult(random: Random): SessionPatch {
  const stories = random.between(1, 12);
  const points = stories * random.between(1, 8);
  const effort = { total_hours: points * random.between(3, 9), confidence: random.between(50, 95) / 100 };
  const withStories = random.happens(0.7);
  return {
    outputs: { effort, ...(withStories && { stories: { total_story_points: points, count: stories } }) },
    timing: {
      effort_ms: random.skewedAround(2_500),
      ...(withStories && { stories_ms: random.skewedAround(9_000) }),
    },
    status: 'completed',
  };
}

function drawRequirement(random: Random): { requirement_text: string; jira_epic_id: string } {
  const length = random.between(8, 16) + (random.happens(0.2) ? random.between(10, 30) : 0);
  const text = Array.from({ length }, () => words.draw(random));
  if (random.happens(CODE_NAME_SHARE)) text[random.below(length)] = codeNames.draw(random);
  const sentence = text.join(' ');
  return {
    requirement_text: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`,
    jira_epic_id: `${JIRA_PROJECTS.draw(random)}-${random.between(100, 9_999)}`,
  };
}

const FAILURES = [
  ['TimeoutError', 'the model did not answer in 30 s'],
  ['NoMatchError', 'no past change matches the requirement'],
  ['QuotaError', 'the quota of the model is used up'],
] as const;

function failure(random: Random, component: string): Step {
  const [name, message] = random.oneOf(FAILURES);
  const error: Failure = { error: name, message, component, details: {} };
  return { actor: component, patch: { status: ASSESSMENT_LIFECYCLE.failure, error } };
}
