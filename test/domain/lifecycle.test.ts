/**
 * Every transition between every two statuses, decided twice: by a table that is generated from the lifecycle's data,
 * and by one that was written by hand from the specification's drawing and knows nothing of that data.
 */
import { describe, expect, test } from '@jest/globals';
import { InvalidSessionStateError } from '../../src/session/domain/errors.js';
import {
  ASSESSMENT_LIFECYCLE,
  allowedFrom,
  defineLifecycle,
  statusesOf,
} from '../../src/session/domain/lifecycle.js';
import { decidePatch } from '../../src/session/domain/session.js';
import { aSession } from './a-session.js';

type Verdict = 'event' | 'nothing' | 'refused';

function attempt(from: string, to: string): Verdict {
  try {
    const session = aSession({ status: from });
    const events = decidePatch(session, { status: to }, { lifecycle: ASSESSMENT_LIFECYCLE });
    if (events.length === 0) return 'nothing';
    expect(events).toEqual([{ type: 'status_changed', data: { from, to } }]);
    return 'event';
  } catch (error) {
    if (!(error instanceof InvalidSessionStateError)) throw error;
    expect(error.details).toEqual({ from, to, allowed: allowedFrom(ASSESSMENT_LIFECYCLE, from) });
    return 'refused';
  }
}

/** From the specification's drawing: rows from, columns to. e: an event, n: nothing to do, -: refused. */
const COLUMNS = ['created', 'submitted', 'found', 'selected', 'generating', 'completed', 'error'];
const BY_HAND = `
  created     n e - - - - e
  submitted   - n e - - - e
  found       - - n e - - e
  selected    - - - n e - e
  generating  - - - - n e e
  completed   - - - - - n -
  error       - - - - - - n
`;
const FULL_NAMES: Readonly<Record<string, string>> = {
  created: 'created',
  submitted: 'requirement_submitted',
  found: 'matches_found',
  selected: 'matches_selected',
  generating: 'generating_impact',
  completed: 'completed',
  error: 'error',
};
const VERDICTS: Readonly<Record<string, Verdict>> = { e: 'event', n: 'nothing', '-': 'refused' };

const handWritten = BY_HAND.trim()
  .split('\n')
  .flatMap((row) => {
    const [from, ...marks] = row.trim().split(/\s+/) as [string, ...string[]];
    return marks.map(
      (mark, i) =>
        [FULL_NAMES[from]!, FULL_NAMES[COLUMNS[i]!]!, VERDICTS[mark]!] as [string, string, Verdict],
    );
  });

const statuses = statusesOf(ASSESSMENT_LIFECYCLE);
const generated = statuses.flatMap((from) =>
  statuses.map((to): [string, string, Verdict] => {
    if (from === to) return [from, to, 'nothing'];
    return [from, to, ASSESSMENT_LIFECYCLE.transitions[from]!.includes(to) ? 'event' : 'refused'];
  }),
);

describe('the lifecycle', () => {
  test('has the seven statuses of the specification', () => {
    expect(statuses).toEqual(Object.values(FULL_NAMES));
  });

  test('is the same in the table of its data and in the one written by hand', () => {
    expect(handWritten).toHaveLength(49);
    expect(new Set(generated.map(String))).toEqual(new Set(handWritten.map(String)));
  });

  test.each(handWritten)('from %s to %s: %s', (from, to, verdict) => {
    expect(attempt(from, to)).toBe(verdict);
  });

  test.each(generated)('as its data say, from %s to %s: %s', (from, to, verdict) => {
    expect(attempt(from, to)).toBe(verdict);
  });

  test('lets a status that it does not know only be given up', () => {
    expect(allowedFrom(ASSESSMENT_LIFECYCLE, 'processing')).toEqual(['error']);
    expect(allowedFrom(ASSESSMENT_LIFECYCLE, 'toString')).toEqual(['error']);
  });
});

describe('a lifecycle of one’s own', () => {
  test('is accepted when every status that it names says what may follow', () => {
    const mine = { initial: 'open', failure: 'broken', transitions: { open: ['broken'], broken: [] } };
    expect(defineLifecycle(mine)).toBe(mine);
  });

  test('is refused with every name that it forgot to define', () => {
    const mine = { initial: 'opne', failure: 'broken', transitions: { open: ['done', 'broken'] } };
    expect(() => defineLifecycle(mine)).toThrow(/"opne", "broken", "done"/);
  });
});
