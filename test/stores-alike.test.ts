/**
 * Promise 8: all stores are the same store. Random sequences of commands and questions are given to the file store, to the
 * PostgreSQL store and to the model in memory, and each gives the same answer to each: the same state, or the same error.
 * Only what names a store may differ: hashes, which begin with its id, and where a trail lies.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ASSESSMENT_LIFECYCLE } from '../src/session/domain/lifecycle.js';
import { decidePatch, type Session, type SessionPatch } from '../src/session/domain/session.js';
import { makeSessionId } from '../src/session/domain/session-id.js';
import { FileStore } from '../src/session/store/file/file-store.js';
import { PostgresStore } from '../src/session/store/postgres/postgres-store.js';
import type { ListQuery, SessionStore } from '../src/session/store/session-store.js';
import { opening } from '../src/testing/contract/store-under-test.js';
import { MemoryStore } from '../src/testing/index.js';
import { type FreshDatabase, freshDatabase } from './postgres/fresh-database.js';

const SEQUENCES = 2_000;
/** Under a minute where nobody else is at work, in milliseconds. */
const LIMIT_MS = 600_000;
const LONGEST = 12;
const START = Date.UTC(2024, 0, 31, 23, 59, 59, 500);
/** Sessions of one sequence: few, so that commands meet. */
const SESSIONS = 4;

let folder: string;
let database: FreshDatabase;
let stores: readonly SessionStore[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sessions-'));
  database = await freshDatabase();
  stores = [
    new MemoryStore(),
    await FileStore.open({ path: folder }),
    await PostgresStore.open({ url: database.url }),
  ];
});

afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
  await rm(folder, { recursive: true });
});

/** What a sequence has that no other has: its sessions' ids and a label. */
interface Run {
  readonly number: number;
  id(n: number): string;
}

type Step = (store: SessionStore, run: Run) => Promise<unknown>;

/** Steps of one kind, each from what was drawn for it; a sequence that fails is told by their names. */
function stepsOf<T>(name: string, drawn: fc.Arbitrary<T>, make: (drawn: T) => Step): fc.Arbitrary<Step> {
  return drawn.map((one) =>
    Object.assign(make(one), { [fc.toStringMethod]: () => `${name} ${JSON.stringify(one)}` }),
  );
}

const session = fc.nat({ max: SESSIONS - 1 });
/** Two days and several milliseconds, so that sessions are of one moment and of several. */
const time = fc.constantFrom(0, 1, 400, 600, 86_400_000).map((ms) => new Date(START + ms));
const user = fc.constantFrom('ann', 'zoë', 'a\0b', null);
const word = fc.constantFrom('invoice', 'Zürich', 'export v2', "it's", '日本語');
const value = fc.oneof(
  word,
  fc.integer(),
  fc.constant({ requirement_text: 'Pay invoices', deep: [1, { a: null }] }),
);

const patch: fc.Arbitrary<SessionPatch> = fc.record(
  {
    status: fc.constantFrom('requirement_submitted', 'matches_found', 'error', 'completed'),
    stepsCompleted: fc.array(word, { maxLength: 2 }),
    timing: fc.dictionary(fc.constantFrom('a_ms', 'b_ms'), fc.nat()),
    labels: fc.dictionary(fc.constantFrom('team', 'repo'), fc.option(word)),
    outputs: fc.dictionary(fc.constantFrom('requirement', 'effort'), value),
  },
  { requiredKeys: [] },
);

const filter = fc.record(
  {
    statuses: fc.subarray(['created', 'requirement_submitted', 'error'], { minLength: 1 }),
    userId: user.map((name) => name ?? 'nobody'),
    createdAfter: time.map((at) => at.toISOString()),
    createdBefore: time.map((at) => at.toISOString()),
    text: fc.constantFrom('inv', 'zur', 'v2 exp', 'its', '日', 'nothing', '"'),
  },
  { requiredKeys: [] },
);

const creation = fc.record({
  first: session,
  at: time,
  userId: user,
  key: fc.option(fc.constantFrom('k', 'l'), { freq: 3 }),
});
const create = stepsOf('create', creation, ({ first, at, userId, key }) => (store, run) => {
  const idempotency = key && {
    key_sha256: `${key}${run.number}`.padEnd(64, '0'),
    request_sha256: '0'.repeat(64),
  };
  const labels = { run: String(run.number) };
  const decision = opening(userId, at, { labels, ...(idempotency && { idempotency }) });
  const ids = [first, (first + 1) % SESSIONS].map((n) => run.id(n));
  return store.create(ids, decision, new Date(START));
});

const report = fc.record({
  n: session,
  at: time,
  changes: patch,
  expectedRevision: fc.option(fc.nat({ max: 5 }), { freq: 3, nil: undefined }),
});
const append = stepsOf('append', report, ({ n, at, changes, expectedRevision }) => (store, run) => {
  const terms = { lifecycle: ASSESSMENT_LIFECYCLE, expectedRevision };
  const decide = (current: Session) => ({ at, actor: 'test', events: decidePatch(current, changes, terms) });
  return store.append(run.id(n), decide);
});

const remove = stepsOf('remove', session, (n) => (store, run) => store.remove(run.id(n)));
const read = stepsOf('read', session, (n) => (store, run) => store.read(run.id(n)));
const verify = stepsOf('verify', session, (n) => (store, run) => store.verify(run.id(n)));

const pageOfEvents = fc.record({
  n: session,
  after: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 4 }),
});
const events = stepsOf(
  'events',
  pageOfEvents,
  ({ n, ...query }) =>
    (store, run) =>
      store.events(run.id(n), query),
);

const listing = fc.record({
  filter,
  order: fc.constantFrom<'newest' | 'oldest'>('newest', 'oldest'),
  limit: fc.integer({ min: 1, max: 3 }),
});
const list = stepsOf(
  'list',
  listing,
  (query) => (store, run) => listed(store, { ...query, filter: ofRun(query.filter, run) }),
);

const stats = stepsOf('stats', filter, (one) => async (store, run) => {
  const { statuses, timings, ...counted } = await store.stats(ofRun(one, run));
  // Of values that are as frequent as each other, any may come first.
  return { ...counted, statuses: sorted(statuses), timings: sorted(timings) };
});

const weighted = (weight: number, ...arbitraries: readonly fc.Arbitrary<Step>[]) =>
  arbitraries.map((arbitrary) => ({ weight, arbitrary }));
const steps = fc.array(
  fc.oneof(
    ...weighted(4, create),
    ...weighted(6, append),
    ...weighted(1, remove, read, verify, events, list, stats),
  ),
  { minLength: 1, maxLength: LONGEST },
);

const ofRun = <T extends object>(one: T, run: Run) => ({ ...one, labels: { run: String(run.number) } });
const sorted = <T>(items: readonly T[]) => items.map((item) => JSON.stringify(item)).sort();

/** All pages of a listing. What `next` is, each store decides for itself. */
async function listed(store: SessionStore, query: ListQuery): Promise<unknown> {
  const pages: unknown[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const { next, ...page } = await store.list({ ...query, after, counted: true });
    pages.push(page);
    after = next;
  }
  return pages;
}

/** What a store answers, without what names the store. */
async function answerOf(step: Step, store: SessionStore, run: Run): Promise<unknown> {
  const answer = await step(store, run).catch(({ code, message, details }) => ({ code, message, details }));
  const own = new Set(['head', 'prev', 'hash', 'auditPath']);
  return JSON.parse(JSON.stringify(answer ?? null, (name, one) => (own.has(name) ? undefined : one)));
}

test(
  `${SEQUENCES} random sequences get the same answers from every store`,
  async () => {
    let runs = 0;
    const property = fc.asyncProperty(steps, async (sequence) => {
      const number = runs++;
      const id = (n: number) =>
        makeSessionId(new Date(START), (number * SESSIONS + n).toString(16).padStart(6, '0'));
      for (const step of sequence) {
        const [model, ...others] = await Promise.all(
          stores.map((store) => answerOf(step, store, { number, id })),
        );
        for (const other of others) expect(other).toEqual(model);
      }
    });
    await fc.assert(property, { numRuns: SEQUENCES, endOnFailure: false });
  },
  LIMIT_MS,
);
