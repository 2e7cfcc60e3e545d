/** How another module finds sessions through an injected SessionService, and creates one under a key. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  IDEMPOTENCY_KEY_KEPT_MS,
  IdempotencyKeyInUseError,
  IdempotencyKeyReusedError,
  SessionFilterQuery,
  SessionModule,
  SessionSearchQuery,
  SessionService,
  SessionValidationError,
} from '../src/session/index.js';
import { makeSessions } from '../src/testing/contract/store-under-test.js';
import { MemoryStore } from '../src/testing/index.js';

const BORN = new Date('2024-01-15T10:30:45.123Z');

let store: MemoryStore;
let app: INestApplicationContext;
let sessions: SessionService;
let now: Date;
beforeEach(async () => {
  store = new MemoryStore();
  now = BORN;
  const module = SessionModule.forRoot({ store, now: () => now });
  app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  sessions = app.get(SessionService);
});
afterEach(async () => {
  await app.close();
  await store.close();
});

const faultsOf = (error: unknown) =>
  (error as SessionValidationError).faults.map(({ type, loc }) => [type, ...loc]);
const refusal = (refused: Promise<unknown>) => refused.then(() => undefined, faultsOf);

describe('a module that looks for sessions', () => {
  let ids: string[];
  beforeEach(async () => {
    ids = await makeSessions(
      store,
      { at: '2024-01-15T10:00:00.000Z', userId: 'ann', labels: { team: 'x' }, timing: { a_ms: 3 } },
      { at: '2024-01-16T10:00:00.000Z', userId: 'bob', status: 'error' },
      { at: '2024-01-17T10:00:00.000Z', userId: 'ann', labels: { team: 'y' } },
    );
  });
  const found = async (query: Partial<SessionSearchQuery>) =>
    (await sessions.list(query)).sessions.map(({ session_id }) => ids.indexOf(session_id));

  test('finds all of them, newest first, where it asks for none in particular', async () => {
    expect(await found({})).toEqual([2, 1, 0]);
    expect(await sessions.list()).toEqual(await sessions.list(new SessionSearchQuery()));
    expect(await sessions.list()).toMatchObject({ next_cursor: null });
  });

  test.each<[Partial<SessionSearchQuery>, number[]]>([
    [{ status: ['created'] }, [2, 0]],
    [{ status: ['created', 'error'], order: 'oldest' }, [0, 1, 2]],
    [{ user_id: 'ann', limit: 1 }, [2]],
    [{ created_after: '2024-01-16', created_before: '2024-01-17' }, [1]],
    [{ labels: { team: 'x' } }, [0]],
    [{ labels: {}, cursor: null }, [2, 1, 0]],
    [{ q: 'ANN x' }, [0]],
  ])('finds by %j', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  test('goes on with the cursor of the page before, until there is none', async () => {
    const query = { user_id: 'ann', limit: 1 };
    const first = await sessions.list(query);
    const second = await sessions.list({ ...query, labels: {}, cursor: first.next_cursor });
    expect(second.sessions.map(({ session_id }) => session_id)).toEqual([ids[0]]);
    expect(second.next_cursor).toBeNull();
  });

  test('counts what it would find', async () => {
    expect(await sessions.stats({ labels: { team: 'x' } })).toEqual({
      total: 1,
      by_status: { created: 1 },
      by_day: [{ day: '2024-01-15', sessions: 1 }],
      timings: { a_ms: { sessions: 1, p50_ms: 3, p95_ms: 3 } },
    });
    expect(await sessions.stats()).toEqual(await sessions.stats(new SessionFilterQuery()));
  });

  test('counts statuses and timings also under names that mean something in JavaScript', async () => {
    const odd = [{ status: '__proto__', sessions: 1 }];
    const timings = [{ name: '__proto__', sessions: 1, p50: 1, p95: 1 }];
    store.stats = async () => ({ total: 1, statuses: odd, days: [], timings, complete: true });
    expect(JSON.stringify(await sessions.stats())).toBe(
      '{"total":1,"by_status":{"__proto__":1},"by_day":[],"timings":{"__proto__":{"sessions":1,"p50_ms":1,"p95_ms":1}}}',
    );
  });

  test('pages by number with the number of all', async () => {
    const { sessions: listed, ...rest } = await sessions.listPage({ offset: 1, limit: 1 });
    expect(listed.map(({ session_id }) => session_id)).toEqual([ids[1]]);
    expect(rest).toEqual({ total: 3, limit: 1, offset: 1 });
    expect(await sessions.listPage({ limit: undefined })).toMatchObject({ total: 3, limit: 50, offset: 0 });
  });

  test.each<[unknown, string[][]]>([
    [{ status: 'created' }, [['list_type', 'query', 'status']]],
    [{ status: [] }, [['too_short', 'query', 'status']]],
    [{ status: [7] }, [['string_type', 'query', 'status']]],
    [{ status: ['done'] }, [['enum', 'query', 'status']]],
    [{ user_id: 7 }, [['string_type', 'query', 'user_id']]],
    [{ created_after: new Date() }, [['string_type', 'query', 'created_after']]],
    [{ labels: ['a'] }, [['dict_type', 'query', 'labels']]],
    [{ labels: { Team: 'a' } }, [['string_pattern_mismatch', 'query', 'label.Team']]],
    [{ labels: { team: null } }, [['string_type', 'query', 'label.team']]],
    [{ q: '...' }, [['string_pattern_mismatch', 'query', 'q']]],
  ])('is refused with %j, by lists and by statistics', async (query, faults) => {
    expect(await refusal(sessions.list(query as SessionSearchQuery))).toEqual(faults);
    expect(await refusal(sessions.stats(query as SessionFilterQuery))).toEqual(faults);
  });

  test.each<[unknown, string[][]]>([
    [{ order: 'random' }, [['enum', 'query', 'order']]],
    [{ limit: '5' }, [['int_parsing', 'query', 'limit']]],
    [{ cursor: 5 }, [['string_type', 'query', 'cursor']]],
    [{ cursor: 'garbage' }, [['cursor_invalid', 'query', 'cursor']]],
    [
      { limit: 0, order: 'x' },
      [
        ['enum', 'query', 'order'],
        ['greater_than_equal', 'query', 'limit'],
      ],
    ],
  ])('is refused with %j', async (query, faults) => {
    expect(await refusal(sessions.list(query as SessionSearchQuery))).toEqual(faults);
  });

  test('sees a fault of the store as it is: it is no fault of the query', async () => {
    const broken = new RangeError('the store is broken');
    const { next_cursor } = await sessions.list({ limit: 1 });
    store.list = async () => {
      throw broken;
    };
    await expect(sessions.list()).rejects.toBe(broken);
    const other = new TypeError('broken otherwise');
    store.list = async () => {
      throw other;
    };
    await expect(sessions.list({ cursor: next_cursor })).rejects.toBe(other);
  });
});

describe('a module that creates a session under a key', () => {
  const create = (idempotencyKey?: string, request = {}) => sessions.process(request, { idempotencyKey });

  test('gets the same session for the same request, and one error for another', async () => {
    const made = await create('job-17', { user_id: 'me', labels: { a: '1', b: '2' } });
    expect(await create('job-17', { labels: { b: '2', a: '1' }, user_id: 'me' })).toEqual(made);
    await expect(create('job-17', { user_id: 'me' })).rejects.toBeInstanceOf(IdempotencyKeyReusedError);
    expect(store.memory.size).toBe(1);
  });

  test('gets a new session when the key is a day old, and not a millisecond sooner', async () => {
    expect(IDEMPOTENCY_KEY_KEPT_MS).toBe(86_400_000);
    const made = await create('job-17');
    now = new Date(BORN.getTime() + IDEMPOTENCY_KEY_KEPT_MS);
    expect(await create('job-17')).toEqual(made);
    now = new Date(BORN.getTime() + IDEMPOTENCY_KEY_KEPT_MS + 1);
    expect(await create('job-17', { user_id: 'another' })).toMatchObject({ user_id: 'another' });
    expect(store.memory.size).toBe(2);
  });

  test('gets a new session each time without a key', async () => {
    for (const key of [undefined, null]) await create(key as undefined);
    await sessions.process();
    expect(store.memory.size).toBe(3);
    for (const { session } of store.memory.values()) expect(session).not.toHaveProperty('idempotency');
  });

  test('makes one session of fifty calls at once; the others are told that it is being made', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => create('job-17')));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toHaveLength(49);
    for (const error of refused) expect(error).toBeInstanceOf(IdempotencyKeyInUseError);
    expect(store.memory.size).toBe(1);
  });

  test.each([
    ['', 'string_too_short'],
    ['k'.repeat(256), 'string_too_long'],
    ['a\nb', 'string_pattern_mismatch'],
    ['ä', 'string_pattern_mismatch'],
    ['\u007f', 'string_pattern_mismatch'],
    [7, 'string_type'],
  ])('is refused with the key %j', async (key, type) => {
    expect(await refusal(create(key as string))).toEqual([[type, 'idempotency_key']]);
    expect(store.memory.size).toBe(0);
  });
});
