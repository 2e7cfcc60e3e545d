/**
 * The suite of the port's contract finds out a store that does not keep it, and says at which sentence. Each of these stores
 * is the model with one thing wrong.
 */

import { describe, expect, test } from '@jest/globals';
import {
  type Decision,
  type EventPage,
  type EventQuery,
  type ListQuery,
  type Session,
  type SessionChange,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  type SessionStore,
  type StoredSession,
  StoreUnavailableError,
} from '../src/session/index.js';
import { describeSessionStore, MemoryStore, type TestRunner } from '../src/testing/index.js';

/** A sentence with what is done before and after it. */
interface Sentence {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** A test runner in small: keeps what is described. */
class Sentences implements TestRunner {
  readonly all: Sentence[] = [];
  #around: { before: (() => Promise<void>)[]; after: (() => Promise<void>)[] } = { before: [], after: [] };

  describe(_name: string, body: () => void): void {
    const outer = this.#around;
    this.#around = { before: [...outer.before], after: [...outer.after] };
    body();
    this.#around = outer;
  }

  test(name: string, body: () => Promise<void>): void {
    const { before, after } = this.#around;
    const run = async () => {
      for (const hook of before) await hook();
      await body().finally(async () => {
        for (const hook of after) await hook();
      });
    };
    this.all.push({ name, run });
  }

  beforeEach(hook: () => Promise<void>): void {
    this.#around.before.push(hook);
  }

  afterEach(hook: () => Promise<void>): void {
    this.#around.after.push(hook);
  }
}

type Broken = new (memory?: MemoryStore['memory']) => MemoryStore;

function sentencesOf(Store: Broken): readonly Sentence[] {
  const sentences = new Sentences();
  const runner: TestRunner = {
    describe: (name, body) => sentences.describe(name, body),
    test: (name, body) => sentences.test(name, body),
    beforeEach: (hook) => sentences.beforeEach(hook),
    afterEach: (hook) => sentences.afterEach(hook),
  };
  const harness = {
    create: async () => new Store(),
    async reopen(store: SessionStore) {
      await store.close();
      return new Store((store as MemoryStore).memory);
    },
    destroy: (store: SessionStore) => store.close(),
  };
  describeSessionStore('a store', harness, runner);
  return sentences.all;
}

async function failing(Store: Broken, about: (name: string) => boolean): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of sentencesOf(Store).filter((sentence) => about(sentence.name)))
    await run().catch(() => failed.push(name));
  return failed;
}

type Listener = (change: SessionChange) => void;

/** What is wrong with a store, and the sentence that says so. */
const BROKEN: readonly [what: string, sentence: string, store: Broken][] = [
  [
    'forgets what it kept when it is closed',
    'gives a created session back, and after it was closed and opened again',
    class extends MemoryStore {
      constructor(_kept?: MemoryStore['memory']) {
        super(new Map());
      }
    },
  ],
  [
    'makes a session in the place of another',
    'never gives an id twice: a taken one is passed over',
    class extends MemoryStore {
      override create(ids: Iterable<string>, opening: Decision, keyedSince?: Date): Promise<StoredSession> {
        const [first] = ids;
        this.memory.delete(first as string);
        return super.create([first as string], opening, keyedSince);
      }
    },
  ],
  [
    'decides on the state that it had when it was asked',
    'decides every command on the state that the one before it left',
    class extends MemoryStore {
      override append(id: string, decide: (current: Session) => Decision) {
        const asked = this.memory.get(id)?.session;
        return super.append(id, (current) => decide(asked ?? current));
      }
    },
  ],
  [
    'says that there was a session where there was none',
    'answers undefined or false for what is not there',
    class extends MemoryStore {
      override async remove(id: string): Promise<boolean> {
        await super.remove(id);
        return true;
      }
    },
  ],
  [
    'goes on one event too late',
    'gives events by pages, and says where the next one begins',
    class extends MemoryStore {
      override async events(id: string, query: EventQuery): Promise<EventPage | undefined> {
        const page = await super.events(id, query);
        return page?.nextAfter == null ? page : { ...page, nextAfter: page.nextAfter + 1 };
      }
    },
  ],
  [
    'says that there is more where a full page ends with the last event',
    'gives events by pages, and says where the next one begins',
    class extends MemoryStore {
      override async events(id: string, query: EventQuery): Promise<EventPage | undefined> {
        const page = await super.events(id, query);
        return page?.events.length === query.limit ? { ...page, nextAfter: page.events.at(-1)!.seq } : page;
      }
    },
  ],
  [
    'takes an error of the decision for one of its own connection, and decides again',
    'throws on what the decision throws as it is, and decides once, where it looks like one of a lost connection',
    class extends MemoryStore {
      override async append(id: string, decide: (current: Session) => Decision) {
        const decideAndAppend = () => super.append(id, decide);
        return decideAndAppend().catch((error) => {
          if (error.code === 'ECONNRESET') return decideAndAppend();
          throw error;
        });
      }
    },
  ],
  [
    'takes a conflict that the decision tells of for one between transactions',
    'throws on what the decision throws as it is, and decides once, where it looks like one of a conflict in a database',
    class extends MemoryStore {
      override append(id: string, decide: (current: Session) => Decision) {
        return super.append(id, decide).catch((cause) => {
          if (cause.code !== '40P01') throw cause;
          throw new StoreUnavailableError('It cannot be done now', 'not_applied', cause);
        });
      }
    },
  ],
  [
    'takes an error of the decision for one of its own disk',
    'throws on what the decision throws as it is, and decides once, where it looks like one of a disk',
    class extends MemoryStore {
      override append(id: string, decide: (current: Session) => Decision) {
        return super.append(id, decide).catch((cause) => {
          if (cause.syscall !== 'write') throw cause;
          throw new StoreUnavailableError('It cannot be written', 'not_applied', cause);
        });
      }
    },
  ],
  [
    'makes a session for every call with the same key',
    'gives the session that was created with the same key, also after it was closed and opened again',
    class extends MemoryStore {
      override create(ids: Iterable<string>, opening: Decision): Promise<StoredSession> {
        return super.create(ids, opening, new Date('9999-01-01T00:00:00Z'));
      }
    },
  ],
  [
    'shows more than was asked for',
    'lists those of a user, in both orders, by pages, and counts them',
    class extends MemoryStore {
      override list(query: ListQuery): Promise<SessionPage> {
        return super.list({ ...query, limit: query.limit + 1 });
      }
    },
  ],
  [
    'begins anew behind a position that it does not know',
    'refuses a position that no page has given',
    class extends MemoryStore {
      override list(query: ListQuery): Promise<SessionPage> {
        return super.list(query).catch((error) => {
          if (error.name !== 'RangeError') throw error;
          return super.list({ ...query, after: undefined });
        });
      }
    },
  ],
  [
    'counts all sessions whatever is asked',
    'counts only the sessions that fit: by a user',
    class extends MemoryStore {
      override stats(_filter: SessionFilter): Promise<SessionStats> {
        return super.stats({});
      }
    },
  ],
  [
    'counts what is equally frequent as it comes',
    'counts equally frequent statuses and names in the order of their code points',
    class extends MemoryStore {
      override async stats(filter: SessionFilter): Promise<SessionStats> {
        const stats = await super.stats(filter);
        const timings = [...stats.timings].sort(
          (left, right) => right.sessions - left.sessions || left.p50 - right.p50,
        );
        return { ...stats, timings };
      }
    },
  ],
  [
    'takes what every object has for a timing',
    'counts a timing only where it is, whatever its name',
    class extends MemoryStore {
      override async stats(filter: SessionFilter): Promise<SessionStats> {
        const stats = await super.stats(filter);
        const sessions = [...this.memory.values()].map(({ session }) => session);
        const timings = stats.timings.map((timing) => ({
          ...timing,
          sessions: sessions.filter((session) => session.timing[timing.name] !== undefined).length,
        }));
        return { ...stats, timings };
      }
    },
  ],
  [
    'tells of a command that changed nothing',
    'tells nobody of a command that changed nothing',
    class extends MemoryStore {
      readonly #listeners: Listener[] = [];
      override async watch(listener: Listener, signal: AbortSignal): Promise<void> {
        await super.watch(listener, signal);
        this.#listeners.push(listener);
      }
      override async append(id: string, decide: (current: Session) => Decision) {
        const stored = await super.append(id, decide);
        for (const listener of this.#listeners) listener({ id, revision: stored!.session.revision });
        return stored;
      }
    },
  ],
  [
    'tells of a change before it is made',
    'tells of nothing that cannot be read yet',
    class extends MemoryStore {
      readonly #listeners: Listener[] = [];
      override async watch(listener: Listener, signal: AbortSignal): Promise<void> {
        await super.watch(listener, signal);
        this.#listeners.push(listener);
      }
      override append(id: string, decide: (current: Session) => Decision) {
        const revision = (this.memory.get(id)?.session.revision ?? 0) + 1;
        for (const listener of this.#listeners) listener({ id, revision: revision + 1 });
        return super.append(id, decide);
      }
    },
  ],
  [
    'goes on after it was closed',
    'is writable until it is closed, and then refuses every call with a reason',
    class extends MemoryStore {
      override async close(): Promise<void> {}
    },
  ],
];

describe('The suite of the contract', () => {
  test('has a sentence of its own for everything that it says', () => {
    const names = sentencesOf(MemoryStore).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(100);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(BROKEN)('finds out a store that %s', async (_what, sentence, Store) => {
    const about = (name: string) => name === sentence;
    expect(await failing(MemoryStore, about)).toEqual([]);
    expect(await failing(Store, about)).toEqual([sentence]);
  });

  test('finds nothing else wrong', async () => {
    expect(await failing(MemoryStore, () => true)).toEqual([]);
    const [, sentence, Store] = BROKEN.at(-1)!;
    expect(await failing(Store, () => true)).toEqual([
      sentence,
      'finishes what it was asked for before it closes',
    ]);
  });

  test('says what to hand over where no runner is global', () => {
    const { describe: kept } = globalThis as unknown as TestRunner;
    Object.assign(globalThis, { describe: undefined });
    try {
      const harness = {
        create: async () => new MemoryStore(),
        reopen: async () => new MemoryStore(),
        destroy: async () => undefined,
      };
      expect(() => describeSessionStore('mine', harness)).toThrow(
        /no global describe; hand over your test runner/,
      );
    } finally {
      Object.assign(globalThis, { describe: kept });
    }
  });
});
