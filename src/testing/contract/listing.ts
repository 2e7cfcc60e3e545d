/**
 * The port's contract: pages of sessions, by filter, order, number and position.
 */

import { type ListQuery, type SessionFilter } from '../../session/index.js';
import { expect } from './expect.js';
import {
  allListed,
  BORN,
  idsAt,
  makeSessions,
  opening,
  patching,
  type StoreUnderTest,
  type Told,
} from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

const TOLD: readonly Told[] = [
  { at: '2024-01-14T23:59:59.999Z', userId: 'ann', labels: { team: 'payments', env: 'test' } },
  {
    at: '2024-01-15T00:00:00.000Z',
    userId: 'ann',
    labels: { team: 'payments' },
    status: 'requirement_submitted',
  },
  { at: '2024-01-15T10:30:45.123Z', userId: 'bob', labels: { team: 'search' }, status: 'error' },
  { at: '2024-01-15T10:30:45.124Z' },
  { at: '2024-01-16T00:00:00.000Z', userId: 'bob', labels: { team: 'payments', env: 'live' } },
];

export function describeListing(tested: StoreUnderTest, { beforeEach, describe, test }: TestRunner): void {
  describe('of five sessions', () => {
    /** Oldest first. */
    let ids: string[];
    beforeEach(async () => {
      ids = await makeSessions(tested.store, ...TOLD);
    });
    const listed = async (query: Partial<ListQuery>) => {
      const page = await tested.store.list({ limit: 100, ...query });
      return page.sessions.map(({ id }) => ids.indexOf(id));
    };

    test('lists each as it is', async () => {
      const { sessions } = await tested.store.list({ limit: 1, order: 'oldest', filter: { userId: 'bob' } });
      const { session } = (await tested.store.read(ids[2]!))!;
      expect(sessions).toEqual([
        {
          id: ids[2],
          createdAt: '2024-01-15T10:30:45.123Z',
          updatedAt: session.updatedAt,
          status: 'error',
          userId: 'bob',
          stepsCompleted: [],
          labels: { team: 'search' },
          revision: 3,
          summary: {
            requirement_text: null,
            jira_epic_id: null,
            total_story_points: null,
            total_hours: null,
          },
        },
      ]);
    });

    test('lists newest first where no order is named', async () => {
      expect(await listed({})).toEqual([4, 3, 2, 1, 0]);
      expect(await listed({ order: 'newest' })).toEqual([4, 3, 2, 1, 0]);
      expect(await listed({ order: 'oldest' })).toEqual([0, 1, 2, 3, 4]);
    });

    const filters: [which: string, filter: SessionFilter, expected: number[]][] = [
      ['of a status', { statuses: ['created'] }, [0, 3, 4]],
      ['of any of two statuses', { statuses: ['error', 'requirement_submitted'] }, [1, 2]],
      ['of a status that none has', { statuses: ['completed'] }, []],
      ['of the status of those that cannot be read', { statuses: ['corrupted'] }, []],
      ['of a user', { userId: 'ann' }, [0, 1]],
      ['of a user in other letters', { userId: 'Ann' }, []],
      ['of a user whose name begins so', { userId: 'an' }, []],
      ['created at a time or later', { createdAfter: '2024-01-15T10:30:45.123Z' }, [2, 3, 4]],
      ['created before a time', { createdBefore: '2024-01-15T10:30:45.123Z' }, [0, 1]],
      [
        'created on a day',
        { createdAfter: '2024-01-15T00:00:00.000Z', createdBefore: '2024-01-16T00:00:00.000Z' },
        [1, 2, 3],
      ],
      [
        'created within no time',
        { createdAfter: '2024-01-15T10:30:45.123Z', createdBefore: '2024-01-15T10:30:45.123Z' },
        [],
      ],
      ['with a label', { labels: { team: 'payments' } }, [0, 1, 4]],
      ['with two labels', { labels: { team: 'payments', env: 'live' } }, [4]],
      ['with a label of another value', { labels: { team: 'Payments' } }, []],
      ['with a label that none has', { labels: { constructor: 'Object' } }, []],
      ['with no label in particular', { labels: {} }, [0, 1, 2, 3, 4]],
      ['with a word', { text: 'live' }, [4]],
      [
        'that fit all of it',
        { statuses: ['created', 'error'], userId: 'bob', createdBefore: '2024-01-16T00:00:00.000Z' },
        [2],
      ],
      [
        'that fit every kind of filter at once',
        {
          statuses: ['created', 'error'],
          userId: 'bob',
          createdAfter: '2024-01-15T00:00:00.000Z',
          createdBefore: '2024-01-17T00:00:00.000Z',
          labels: { env: 'live' },
          text: 'pay',
        },
        [4],
      ],
    ];
    for (const [which, filter, expected] of filters)
      test(`lists those ${which}, in both orders, by pages, and counts them`, async () => {
        const reversed = [...expected].reverse();
        expect(await listed({ filter, order: 'oldest' })).toEqual(expected);
        expect(await listed({ filter, order: 'newest' })).toEqual(reversed);
        const paged = await allListed(tested.store, { filter, order: 'oldest', limit: 1 });
        expect(paged.map((id) => ids.indexOf(id))).toEqual(expected);
        expect(await tested.store.list({ filter, limit: 1, counted: true })).toMatchObject({
          total: expected.length,
          complete: true,
        });
        await tested.reopen();
        expect(await listed({ filter })).toEqual(reversed);
      });

    test('counts all that fit whatever the page holds, and only where it is asked to', async () => {
      const filter = { userId: 'bob' };
      const first = await tested.store.list({ filter, limit: 1, counted: true });
      expect(first.total).toBe(2);
      const last = await tested.store.list({ filter, limit: 1, counted: true, after: first.next! });
      expect(last).toMatchObject({ total: 2, next: null });
      expect(await tested.store.list({ filter, limit: 1 })).not.toHaveProperty('total');
    });

    test('passes over as many as it is told to, in either order, and behind a position too', async () => {
      expect(await listed({ limit: 2, offset: 1 })).toEqual([3, 2]);
      expect(await listed({ limit: 2, offset: 4 })).toEqual([0]);
      expect(await listed({ limit: 2, offset: 5 })).toEqual([]);
      expect(await listed({ limit: 2, offset: 1, order: 'oldest', filter: { userId: 'bob' } })).toEqual([4]);
      const { next: after } = await tested.store.list({ limit: 1 });
      expect(await listed({ limit: 2, offset: 1, after: after! })).toEqual([2, 1]);
    });

    test('has no next page where this one holds the last session', async () => {
      expect((await tested.store.list({ limit: 5 })).next).toBeNull();
      expect((await tested.store.list({ limit: 4 })).next).not.toBeNull();
      expect((await tested.store.list({ limit: 1, offset: 4 })).next).toBeNull();
      expect((await tested.store.list({ limit: 1, offset: 3 })).next).not.toBeNull();
      expect(await tested.store.list({ limit: 1, filter: { userId: 'none' } })).toEqual({
        sessions: [],
        next: null,
        complete: true,
      });
    });

    test('goes on behind a position after it was closed and opened again', async () => {
      const { next: after } = await tested.store.list({ limit: 2 });
      await tested.reopen();
      expect(await listed({ after: after! })).toEqual([2, 1, 0]);
    });

    test('refuses a position that no page has given', async () => {
      for (const after of ['', 'no position', 'null', '{}', ids[2]!])
        for (const order of ['newest', 'oldest'] as const) {
          const listing = tested.store.list({ limit: 1, order, after });
          await expect(listing).rejects.toMatchObject({ name: 'RangeError' });
        }
    });

    test('shows a change as soon as it was acknowledged', async () => {
      await tested.store.append(ids[3]!, patching({ status: 'error', labels: { team: 'payments' } }));
      await tested.store.append(ids[0]!, patching({ labels: { team: 'search', env: null } }));
      expect(await listed({ filter: { statuses: ['created'] } })).toEqual([4, 0]);
      expect(await listed({ filter: { labels: { team: 'payments' } } })).toEqual([4, 3, 1]);
      expect(await listed({ filter: { labels: { env: 'test' } } })).toEqual([]);
      await tested.store.remove(ids[1]!);
      expect(await listed({ filter: { labels: { team: 'payments' } } })).toEqual([4, 3]);
    });
  });

  test('lists sessions of one millisecond in an order that stays as it is', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) => tested.store.create(idsAt(BORN, n * 256), opening())),
    );
    const ids = made.map(({ session }) => session.id).sort();
    for (const order of ['newest', 'oldest'] as const) {
      const whole = await allListed(tested.store, { order, limit: 100 });
      expect([...whole].sort()).toEqual(ids);
      for (const limit of [1, 3]) expect(await allListed(tested.store, { order, limit })).toEqual(whole);
      await tested.reopen();
      expect(await allListed(tested.store, { order, limit: 7 })).toEqual(whole);
    }
  });

  const minute = (n: number) => new Date(BORN.getTime() + n * 60_000).toISOString();

  for (const order of ['newest', 'oldest'] as const)
    test(`shows each session once that is there all the while, ${order} first, whatever comes and goes meanwhile`, async () => {
      const ids = await makeSessions(
        tested.store,
        ...Array.from({ length: 30 }, (_, n) => ({
          at: minute(10 * n),
          userId: n % 3 === 0 ? 'other' : 'me',
        })),
      );
      const filter = { userId: 'me' };
      const gone = new Set<string>();
      const come: string[] = [];
      const shown: string[] = [];
      for (let after: string | null | undefined, page = 0; after !== null; page++) {
        const listed = await tested.store.list({ filter, order, limit: 3, after });
        shown.push(...listed.sessions.map(({ id }) => id));
        after = listed.next;
        // Among them the last one shown, which is where the next page begins.
        for (const id of [shown.at(-1)!, ids[(7 * page + 4) % 30]!]) {
          if (await tested.store.remove(id)) gone.add(id);
        }
        come.push(
          ...(await makeSessions(
            tested.store,
            ...[-5, 10 * page + 5, 295].map((n) => ({ at: minute(n + page / 60), userId: 'me' })),
          )),
        );
      }
      expect(new Set(shown).size).toBe(shown.length);
      const stayed = ids.filter((id, n) => n % 3 !== 0 && !gone.has(id));
      expect(stayed.length).toBeGreaterThan(5);
      expect(shown).toEqual(expect.arrayContaining(stayed));
      const known = new Set([...ids, ...come]);
      expect(shown.filter((id) => !known.has(id))).toEqual([]);
    });
}
