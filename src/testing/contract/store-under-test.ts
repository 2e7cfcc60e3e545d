/**
 * What the sentences of the contract need: a fresh store for each, and the commands that a service would give it.
 */

import assert from 'node:assert/strict';
import {
  ASSESSMENT_LIFECYCLE,
  decidePatch,
  type EventData,
  type EventDraft,
  type ListQuery,
  makeSessionId,
  type Session,
  type SessionEvent,
  type SessionPatch,
  type SessionStore,
} from '../../session/index.js';
import { loadExpect } from './expect.js';
import type { TestRunner } from './test-runner.js';

/** What a store brings. */
export interface SessionStoreHarness {
  /** A store of its own, empty. */
  create(): Promise<SessionStore>;
  /** Closes a store and opens what it kept, as a restart does. */
  reopen(store: SessionStore): Promise<SessionStore>;
  /** Closes a store, which may be closed, and leaves nothing of it. */
  destroy(store: SessionStore): Promise<void>;
}

export const BORN = new Date('2024-01-15T10:30:45.123Z');

/** Ids of one second with suffixes counted up, as many as asked for. */
export function* idsAt(at: Date, first = 0, count = 256): Iterable<string> {
  for (let n = first; n < first + count; n++) yield makeSessionId(at, n.toString(16).padStart(6, '0'));
}

/** What a session is created with, but for what the test says. */
export function opening(
  userId: string | null = null,
  at: Date = BORN,
  differences: Partial<EventData['session_created']> = {},
) {
  const created: EventDraft = {
    type: 'session_created',
    data: { user_id: userId, status: 'created', labels: {}, ...differences },
  };
  return { at, actor: userId, events: [created] };
}

/** Decides a patch as the service does. */
export function patching(patch: SessionPatch, at: Date = BORN) {
  return (session: Session) => ({
    at,
    actor: 'test',
    events: decidePatch(session, patch, { lifecycle: ASSESSMENT_LIFECYCLE }),
  });
}

/** A session to be made, and what is reported of it then. */
export interface Told extends SessionPatch {
  readonly at?: string;
  readonly userId?: string;
}

/** Makes sessions one after another, as told; their ids. */
export async function makeSessions(store: SessionStore, ...told: readonly Told[]): Promise<string[]> {
  const ids: string[] = [];
  for (const { at, userId = null, ...patch } of told) {
    const time = at === undefined ? BORN : new Date(at);
    const { session } = await store.create(idsAt(time), opening(userId, time));
    await store.append(session.id, patching(patch, time));
    ids.push(session.id);
  }
  return ids;
}

/** The ids of all sessions that fit a query, by pages of its `limit`. */
export async function allListed(store: SessionStore, query: ListQuery): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await store.list({ ...query, after });
    assert.equal(page.complete, true);
    assert.ok(page.sessions.length <= query.limit, `${page.sessions.length} of at most ${query.limit}`);
    ids.push(...page.sessions.map(({ id }) => id));
    after = page.next;
  }
  return ids;
}

/** All events of a session, by pages of `limit`. */
export async function allEvents(store: SessionStore, id: string, limit = 500): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for (let after: number | null | undefined; after !== null; ) {
    const page = await store.events(id, { after, limit });
    assert.ok(page!.events.length <= limit, `${page!.events.length} of at most ${limit}`);
    events.push(...page!.events);
    after = page!.nextAfter;
  }
  return events;
}

/** The store of the sentence that is tested. */
export interface StoreUnderTest {
  readonly store: SessionStore;
  /** Stops the store cleanly and opens it again. */
  reopen(): Promise<void>;
}

/** Opens a fresh store before each test of the `describe` that it is called in, and destroys it after it. */
export function freshStores(harness: SessionStoreHarness, runner: TestRunner): StoreUnderTest {
  let store: SessionStore;
  runner.beforeEach(async () => {
    await loadExpect();
    store = await harness.create();
  });
  runner.afterEach(() => harness.destroy(store));
  return {
    get store() {
      return store;
    },
    async reopen() {
      store = await harness.reopen(store);
    },
  };
}
