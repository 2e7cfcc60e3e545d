/**
 * The lifecycle of a session, as data: statuses and the transitions allowed between them.
 * Pure: imports nothing. Source of the default: the specification, "Session Lifecycle".
 */

export interface Lifecycle {
  /** The status a session is created with. */
  readonly initial: string;
  /** The status a session gets when a step fails: what `SessionService.fail` asks for. */
  readonly failure: string;
  /** For each status, the statuses that may follow it. Every status is a key; a final one has none. */
  readonly transitions: Readonly<Record<string, readonly string[]>>;
}

/** `created → … → completed`, and `error` from any but the two final ones. */
export const ASSESSMENT_LIFECYCLE: Lifecycle = {
  initial: 'created',
  failure: 'error',
  transitions: {
    created: ['requirement_submitted', 'error'],
    requirement_submitted: ['matches_found', 'error'],
    matches_found: ['matches_selected', 'error'],
    matches_selected: ['generating_impact', 'error'],
    generating_impact: ['completed', 'error'],
    completed: [],
    error: [],
  },
};

export function statusesOf(lifecycle: Lifecycle): readonly string[] {
  return Object.keys(lifecycle.transitions);
}

/**
 * The statuses that may follow `status`. A status that the lifecycle does not know (an imported folder may
 * carry one) can only be given up: it may go to the failure status.
 */
export function allowedFrom(lifecycle: Lifecycle, status: string): readonly string[] {
  return Object.hasOwn(lifecycle.transitions, status)
    ? (lifecycle.transitions[status] as readonly string[])
    : [lifecycle.failure];
}

/**
 * Checks a lifecycle that somebody wrote, and returns it.
 * @throws RangeError naming every name that is used and not defined, or that is taken
 */
export function defineLifecycle(lifecycle: Lifecycle): Lifecycle {
  const used = new Set([
    lifecycle.initial,
    lifecycle.failure,
    ...Object.values(lifecycle.transitions).flat(),
  ]);
  const unknown = [...used].filter((status) => !Object.hasOwn(lifecycle.transitions, status));
  if (Object.hasOwn(lifecycle.transitions, 'corrupted')) {
    throw new RangeError(
      'the lifecycle has a status "corrupted", which lists show for sessions that are damaged',
    );
  }
  if (unknown.length > 0) {
    throw new RangeError(
      `the lifecycle names ${unknown.map((status) => `"${status}"`).join(', ')} without listing what may follow; add a key (with [] for a final status) to "transitions"`,
    );
  }
  return lifecycle;
}
