/**
 * The port's contract: what sessions have in common, counted.
 */

import { type SessionFilter, STATS_LIMITS } from '../../session/index.js';
import { expect } from './expect.js';
import { BORN, idsAt, makeSessions, opening, patching, type StoreUnderTest } from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

export function describeStatistics(tested: StoreUnderTest, { test }: TestRunner): void {
  const timed = (times: readonly number[]) =>
    makeSessions(
      tested.store,
      ...times.map((ms, n) => ({
        at: new Date(BORN.getTime() + n * 1_000).toISOString(),
        timing: { a_ms: ms },
      })),
    );

  test('counts nothing where there is nothing', async () => {
    const nothing = { total: 0, statuses: [], days: [], timings: [], complete: true };
    expect(await tested.store.stats({})).toEqual(nothing);
    await makeSessions(tested.store, { userId: 'me' });
    expect(await tested.store.stats({ userId: 'another' })).toEqual(nothing);
  });

  test('counts statuses and names most frequent first, days newest first; also after a restart', async () => {
    await makeSessions(
      tested.store,
      { at: '2024-01-14T23:59:59.999Z', timing: { search_ms: 100 } },
      { at: '2024-01-16T00:00:00.000Z', timing: { search_ms: 300, effort_ms: 7 }, status: 'error' },
      { at: '2024-01-16T23:59:59.999Z', timing: { search_ms: 200 } },
    );
    const counted = {
      total: 3,
      statuses: [
        { status: 'created', sessions: 2 },
        { status: 'error', sessions: 1 },
      ],
      days: [
        { day: '2024-01-16', sessions: 2 },
        { day: '2024-01-14', sessions: 1 },
      ],
      timings: [
        { name: 'search_ms', sessions: 3, p50: 200, p95: 300 },
        { name: 'effort_ms', sessions: 1, p50: 7, p95: 7 },
      ],
      complete: true,
    };
    expect(await tested.store.stats({})).toEqual(counted);
    await tested.reopen();
    expect(await tested.store.stats({})).toEqual(counted);
  });

  test('counts equally frequent statuses and names in the order of their code points', async () => {
    const names = ['B', 'a', 'b', 'ä', '\u{ff5e}', '\u{1f49a}'];
    for (const [n, name] of ['a', '\u{1f49a}', 'b', '\u{ff5e}', 'B', 'ä'].entries()) {
      const at = new Date(BORN.getTime() + n * 1_000);
      const { session } = await tested.store.create(idsAt(at), opening(null, at, { status: name }));
      await tested.store.append(session.id, patching({ timing: { [`${name}_ms`]: n } }, at));
    }
    const { statuses, timings } = await tested.store.stats({});
    expect(statuses.map(({ status }) => status)).toEqual(names);
    expect(timings.map(({ name }) => name)).toEqual(names.map((name) => `${name}_ms`));
  });

  test('counts a timing only where it is, whatever its name', async () => {
    const names = ['constructor', 'hasOwnProperty', 'toString'];
    const timing = Object.fromEntries(names.map((name, n) => [name, n]));
    await makeSessions(
      tested.store,
      { at: '2024-01-15T10:00:00.000Z', timing: { a_ms: 7 } },
      { at: '2024-01-15T11:00:00.000Z', timing },
      { at: '2024-01-15T12:00:00.000Z', timing: { a_ms: 8 } },
    );
    const counted = names.map((name, n) => ({ name, sessions: 1, p50: n, p95: n }));
    const { timings } = await tested.store.stats({});
    expect(timings).toEqual([{ name: 'a_ms', sessions: 2, p50: 7, p95: 8 }, ...counted]);
  });

  const filters: [what: string, filter: SessionFilter][] = [
    ['a status', { statuses: ['error', 'completed'] }],
    ['a user', { userId: 'me' }],
    ['a label', { labels: { team: 'x' } }],
    ['a time', { createdAfter: '2024-01-16T00:00:00.000Z', createdBefore: '2024-01-17T00:00:00.000Z' }],
    ['a word', { text: 'x' }],
  ];
  for (const [what, filter] of filters)
    test(`counts only the sessions that fit: by ${what}`, async () => {
      await makeSessions(
        tested.store,
        { at: '2024-01-15T10:00:00.000Z', userId: 'another', timing: { a_ms: 1, b_ms: 1 } },
        {
          at: '2024-01-16T10:00:00.000Z',
          userId: 'me',
          labels: { team: 'x' },
          timing: { a_ms: 2 },
          status: 'error',
        },
        { at: '2024-01-17T10:00:00.000Z', timing: { a_ms: 3 } },
      );
      expect(await tested.store.stats(filter)).toEqual({
        total: 1,
        statuses: [{ status: 'error', sessions: 1 }],
        days: [{ day: '2024-01-16', sessions: 1 }],
        timings: [{ name: 'a_ms', sessions: 1, p50: 2, p95: 2 }],
        complete: true,
      });
    });

  const percentiles = [
    { times: [5], p50: 5, p95: 5 },
    { times: [9, 5], p50: 5, p95: 9 },
    { times: [3, 1, 2], p50: 2, p95: 3 },
    { times: [0, 0, 0, 10], p50: 0, p95: 10 },
    { times: [100, 20, 3], p50: 20, p95: 100 },
    { times: [...Array(20).keys()], p50: 9, p95: 18 },
    { times: [...Array(21).keys()], p50: 10, p95: 19 },
  ];
  for (const { times, p50, p95 } of percentiles)
    test(`takes percentiles of ${times} by nearest rank: ${p50} and ${p95}`, async () => {
      await timed(times);
      const { timings } = await tested.store.stats({});
      expect(timings).toEqual([{ name: 'a_ms', sessions: times.length, p50, p95 }]);
    });

  test('counts what is true now: changes, removals', async () => {
    const [first, second] = (await timed([10, 20, 30])) as [string, string, string];
    await tested.store.append(first, patching({ timing: { a_ms: 50 }, status: 'requirement_submitted' }));
    await tested.store.remove(second);
    expect(await tested.store.stats({})).toMatchObject({
      total: 2,
      days: [{ day: '2024-01-15', sessions: 2 }],
      timings: [{ name: 'a_ms', sessions: 2, p50: 30, p95: 50 }],
    });
  });

  test('tells of at most a hundred timings, those that most sessions have', async () => {
    const named = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${`${n}`.padStart(3, '0')}_ms`, n]));
    await makeSessions(
      tested.store,
      { at: '2024-01-15T10:00:00.000Z', timing: { only_here_ms: 1, ...named(STATS_LIMITS.timings) } },
      { at: '2024-01-15T11:00:00.000Z', timing: named(STATS_LIMITS.timings) },
    );
    const { timings } = await tested.store.stats({});
    expect(timings.map(({ name }) => name).sort()).toEqual(Object.keys(named(STATS_LIMITS.timings)).sort());
  });

  test('tells of at most a thousand days, the newest', async () => {
    const day = (n: number) => new Date(Date.UTC(2020, 0, 1 + n));
    const created = Array.from({ length: STATS_LIMITS.days + 1 }, (_, n) =>
      tested.store.create(idsAt(day(n)), opening(null, day(n))),
    );
    await Promise.all(created);
    const { total, days } = await tested.store.stats({});
    expect([total, days.length]).toEqual([STATS_LIMITS.days + 1, STATS_LIMITS.days]);
    expect([days[0]?.day, days.at(-1)?.day]).toEqual(['2022-09-27', '2020-01-02']);
  });
}
