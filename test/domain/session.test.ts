/** Commands to events, events to state: what a report of progress does to a session. */
import { describe, expect, test } from '@jest/globals';
import { SessionConflictError, SessionLimitError } from '../../src/session/domain/errors.js';
import { genesisHash, sealEvents } from '../../src/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../src/session/domain/lifecycle.js';
import { decidePatch, fold, type Session, type SessionPatch } from '../../src/session/domain/session.js';
import { summarize, toDocument } from '../../src/session/domain/session-document.js';
import type { EventDraft } from '../../src/session/domain/session-event.js';
import { aSession } from './a-session.js';

const TERMS = { lifecycle: ASSESSMENT_LIFECYCLE };
const decide = (session: Session, patch: SessionPatch) => decidePatch(session, patch, TERMS);

/** The session after a patch, as a store would leave it. */
function apply(session: Session, patch: SessionPatch): Session {
  const events = decide(session, patch);
  const position = {
    sid: session.id,
    revision: session.revision,
    head: session.head,
    updatedAt: session.updatedAt,
  };
  const sealed = sealEvents(position, { at: new Date('2024-01-15T10:31:00Z'), actor: null, events });
  return fold(session, sealed.events) as Session;
}

describe('a report of progress', () => {
  test('becomes events in the order labels, outputs, timings, steps, status', () => {
    const events = decide(aSession(), {
      status: 'requirement_submitted',
      stepsCompleted: ['a', 'b'],
      timing: { a_ms: 1 },
      outputs: { a: { found: 1 } },
      labels: { team: 'x' },
    });
    expect(events.map((event) => event.type)).toEqual([
      'labels_changed',
      'output_recorded',
      'timing_recorded',
      'step_completed',
      'step_completed',
      'status_changed',
    ]);
  });

  test('that says nothing new is no event, so that a retry is safe', () => {
    const patch: SessionPatch = {
      status: 'requirement_submitted',
      stepsCompleted: ['a', 'a'],
      timing: { a_ms: 1 },
      outputs: { a: { x: [1, { y: null }], z: 'text' } },
      labels: { team: 'x', gone: null },
    };
    const after = apply(aSession(), patch);
    expect(decide(after, patch)).toEqual([]);
    expect(decide(after, { outputs: { a: { z: 'text', x: [1, { y: null }] } } })).toEqual([]);
    expect(decide(after, { outputs: { a: { z: 'text', x: [1, { y: 0 }] } } })).toHaveLength(1);
  });

  test('keeps its reason with every event', () => {
    const events = decidePatch(aSession(), { stepsCompleted: ['a', 'b'] }, { ...TERMS, reason: 'nightly' });
    expect(events.map((event) => event.data)).toEqual([
      { step: 'a', reason: 'nightly' },
      { step: 'b', reason: 'nightly' },
    ]);
  });

  test('takes a label away with null and leaves the others', () => {
    const session = apply(apply(aSession(), { labels: { a: '1', b: '2' } }), { labels: { a: null, c: '3' } });
    expect(session.labels).toEqual({ b: '2', c: '3' });
  });

  test('keeps the cause of a failure', () => {
    const error = { error: 'TimeoutError', message: 'too late', component: 'effort', details: {} };
    expect(apply(aSession(), { status: 'error', error })).toMatchObject({ status: 'error', error });
  });

  test('is done when the session is at the expected revision, or at one of them', () => {
    const at = (expectedRevision: number | number[]) =>
      decidePatch(aSession({ revision: 7 }), { stepsCompleted: ['a'] }, { ...TERMS, expectedRevision });
    expect(at(7)).toHaveLength(1);
    expect(at([3, 7])).toHaveLength(1);
    expect(() => at(6)).toThrow(SessionConflictError);
    expect(() => at([5, 6])).toThrow(expect.objectContaining({ details: { expected: [5, 6], actual: 7 } }));
    expect(() => at([])).toThrow(SessionConflictError);
  });

  test('with names from JavaScript’s prototypes is not mistaken for something that is there', () => {
    const session = apply(aSession(), {
      stepsCompleted: ['toString'],
      timing: { valueOf_ms: 1 },
      outputs: { toString: 1 },
    });
    expect(session.outputs.toString).toBe(1);
    expect(decide(aSession(), { outputs: { valueOf: 2 } })).toHaveLength(1);
  });
});

describe('a session that is full', () => {
  const names = (count: number, suffix = '') => Array.from({ length: count }, (_, i) => `n${i}${suffix}`);
  const timings = (count: number) => Object.fromEntries(names(count, '_ms').map((name) => [name, 1]));
  const limit = (name: string, allowed: number) =>
    expect.objectContaining({ details: { limit: name, allowed } });

  test('refuses the 10,001st event and takes the 10,000th', () => {
    expect(decide(aSession({ revision: 9_999 }), { stepsCompleted: ['a'] })).toHaveLength(1);
    expect(() => decide(aSession({ revision: 10_000 }), { stepsCompleted: ['a'] })).toThrow(
      limit('events', 10_000),
    );
  });

  test('still accepts what changes nothing', () => {
    expect(decide(aSession({ revision: 10_000 }), { status: 'created' })).toEqual([]);
  });

  test('refuses the 1,001st step', () => {
    const full = aSession({ stepsCompleted: names(1_000) });
    expect(() => decide(full, { stepsCompleted: ['more'] })).toThrow(limit('steps', 1_000));
    expect(decide(full, { stepsCompleted: ['n7'] })).toEqual([]);
  });

  test('refuses the 1,001st timing and lets the others change', () => {
    const full = aSession({ timing: timings(1_000) });
    expect(() => decide(full, { timing: { more_ms: 1 } })).toThrow(limit('timings', 1_000));
    expect(decide(full, { timing: { n7_ms: 2 } })).toHaveLength(1);
  });

  test('refuses outputs beyond 4 MiB together, counting what a new value replaces', () => {
    const half = 'x'.repeat(2 * 1024 * 1024 - 2);
    const full = apply(apply(aSession(), { outputs: { a: half } }), { outputs: { b: half } });
    expect(full.outputBytes).toBe(4 * 1024 * 1024);
    expect(() => decide(full, { outputs: { c: 1 } })).toThrow(SessionLimitError);
    expect(decide(full, { outputs: { b: 'small', c: 1 } })).toHaveLength(2);
  });

  test('refuses the 33rd label', () => {
    const labels = Object.fromEntries(names(32).map((name) => [name, 'x']));
    expect(() => decide(aSession({ labels }), { labels: { more: 'x' } })).toThrow(limit('labels', 32));
    expect(decide(aSession({ labels }), { labels: { more: 'x', n1: null } })).toHaveLength(1);
  });
});

describe('the state', () => {
  const position = {
    sid: 'sess_20240115_103045_a1b2c3',
    revision: 0,
    head: genesisHash('s', 'x'),
    updatedAt: '',
  };
  const seal = (...events: EventDraft[]) =>
    sealEvents(position, { at: new Date('2024-01-15T10:30:45.123Z'), actor: 'me', events }).events;
  const created: EventDraft = {
    type: 'session_created',
    data: { user_id: 'u', status: 'created', labels: { a: 'b' } },
  };

  test('begins with the event that makes the session', () => {
    expect(fold(undefined, seal(created))).toMatchObject({
      createdAt: '2024-01-15T10:30:45.123Z',
      userId: 'u',
      labels: { a: 'b' },
      revision: 1,
    });
    expect(fold(undefined, seal({ type: 'step_completed', data: { step: 'a' } }))).toBeUndefined();
    expect(fold(undefined, [])).toBeUndefined();
  });

  test('counts an event of a type that this version does not know, and changes nothing else', () => {
    const unknown = { type: 'session_praised', data: { stars: 5 } } as unknown as EventDraft;
    const before = fold(undefined, seal(created));
    const events = seal(created, unknown);
    expect(fold(undefined, events)).toEqual({ ...before, revision: 2, head: events[1]!.hash });
  });

  test('is written as the specification’s six members first, then ours', () => {
    expect(Object.keys(toDocument(aSession()))).toEqual([
      'session_id',
      'created_at',
      'status',
      'user_id',
      'steps_completed',
      'timing',
      'labels',
      'outputs',
      'error',
      'updated_at',
      'revision',
      'head',
    ]);
  });

  test('of a session at every limit is folded in well under a second', () => {
    const steps = Array.from(
      { length: 1_000 },
      (_, n): EventDraft => ({ type: 'step_completed', data: { step: `s${n}` } }),
    );
    const timings = Array.from(
      { length: 4_499 },
      (_, n): EventDraft => ({ type: 'timing_recorded', data: { name: `t${n % 1_000}_ms`, ms: n } }),
    );
    const outputs = Array.from(
      { length: 4_500 },
      (_, n): EventDraft => ({ type: 'output_recorded', data: { name: `o${n}`, value: { n } } }),
    );
    const events = seal(created, ...steps, ...timings, ...outputs);
    const started = performance.now();
    expect(fold(undefined, events)).toMatchObject({ revision: 10_000 });
    // One copy for each event took some ten seconds here.
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('is summed up from its outputs, whatever shape those have', () => {
    const outputs = {
      requirement: { requirement_text: 'do it', jira_epic_id: 'P-1' },
      stories: { total_story_points: 8 },
      effort: { total_hours: 12.5 },
    };
    expect(summarize(aSession({ outputs }))).toEqual({
      requirement_text: 'do it',
      jira_epic_id: 'P-1',
      total_story_points: 8,
      total_hours: 12.5,
    });
    const odd = { requirement: null, stories: ['x'], effort: { total_hours: 'many' } };
    expect(summarize(aSession({ outputs: odd }))).toEqual({
      requirement_text: null,
      jira_epic_id: null,
      total_story_points: null,
      total_hours: null,
    });
  });
});
