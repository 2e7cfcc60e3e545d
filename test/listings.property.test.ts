/**
 * Listings against a plain filter over what clients were told, on random data, with random questions and pages, while
 * writers run. What nobody changes during a listing is in it once when it fits, and as it is; in the end all is.
 */
import { afterEach, expect, test } from '@jest/globals';
import type { Session, SessionPatch } from '../src/session/domain/session.js';
import { type ListedSession, listedSession, searchText } from '../src/session/domain/session-document.js';
import { makeSessionId } from '../src/session/domain/session-id.js';
import { PostgresStore } from '../src/session/store/postgres/postgres-store.js';
import type { ListQuery, SessionFilter, SessionStore } from '../src/session/store/session-store.js';
import { opening, patching } from '../src/testing/contract/store-under-test.js';
import { freshDatabase } from './postgres/fresh-database.js';
import { Random } from './random.js';
import { dataFolders } from './store/a-folder.js';

const SEED = Math.floor(Math.random() * 1_000_000);
const WRITERS = 6;
const COMMANDS = 70;
const QUESTIONS_IN_THE_END = 150;
const START = Date.UTC(2024, 0, 15);
const DAYS = 5;
const WORDS = ['invoice', 'Invoices', 'payroll', 'Zürich', 'zurück', 'export', 'API', 'v2'];
const STATUSES = ['created', 'requirement_submitted', 'error', 'matches_found'];
const USERS = ['ann', 'bob', 'zoë'];

const makeFolder = dataFolders();
const cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
});

async function openPostgres(): Promise<SessionStore> {
  const database = await freshDatabase();
  const store = await PostgresStore.open({ url: database.url });
  cleanUp.push(() => store.close(), database.drop);
  return store;
}

const STORES: readonly (readonly [string, () => Promise<SessionStore>])[] = [
  ['FileStore', async () => (await makeFolder()).open()],
  ['PostgresStore', openPostgres],
];

test.each(STORES)(
  `%s: listings are what a plain filter gives, also while writers run (seed ${SEED})`,
  async (_name, open) => {
    const store = await open();
    const world = new World(store);
    const writers = Array.from({ length: WRITERS }, (_, n) => world.write(new Random(SEED, n)));
    let writing = true;
    void Promise.allSettled(writers).then(() => {
      writing = false;
    });
    const random = new Random(SEED, 1_000);
    while (writing) await world.ask(random);
    await Promise.all(writers);
    for (let n = 0; n < QUESTIONS_IN_THE_END; n++) await world.ask(random);
    expect(world.checked).toBeGreaterThan(QUESTIONS_IN_THE_END);
  },
);

class World {
  /** As it was acknowledged last. */
  readonly #sessions = new Map<string, Session>();
  /** Sessions that a command changes now, and how many; since when others were changed is told by `#changes`. */
  readonly #changing = new Map<string, number>();
  #changes: string[] = [];
  #made = 0;
  checked = 0;

  constructor(private readonly store: SessionStore) {}

  async write(random: Random): Promise<void> {
    for (let n = 0; n < COMMANDS; n++) {
      const id = random.happens(0.4) ? undefined : random.oneOf([...this.#sessions.keys()]);
      if (id === undefined) await this.#create(random);
      else if (random.happens(0.15)) await this.#changed(id, () => this.#remove(id));
      else await this.#changed(id, () => this.#append(id, random));
    }
  }

  /** One listing from its first page to its last, held against what is known. */
  async ask(random: Random): Promise<void> {
    const query = aQuestion(random, [...this.#sessions.values()]);
    const [before, from] = [new Map(this.#sessions), this.#changes.length];
    const changing = [...this.#changing.keys()];
    const shown = await this.#all(query, random);
    const changed = new Set([...changing, ...this.#changes.slice(from)]);
    const steady = ({ id }: { readonly id: string }) => !changed.has(id);
    const expected = [...before.values()]
      .filter(steady)
      .filter((session) => fits(session, query.filter ?? {}));
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    const sorted = expected.map(listedSession).sort(byAge(query.order ?? 'newest'));
    expect({ query, shown: shown.filter(steady) }).toEqual({ query, shown: sorted });
    const ages = shown.map(({ createdAt }) => createdAt as string);
    expect(ages).toEqual(
      [...ages].sort(query.order === 'oldest' ? undefined : (a, b) => (a < b ? 1 : a > b ? -1 : 0)),
    );
    this.checked += 1;
  }

  async #all(query: Omit<ListQuery, 'limit'>, random: Random): Promise<ListedSession[]> {
    const shown: ListedSession[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const limit = 1 + random.below(20);
      const page = await this.store.list({ ...query, limit, after, counted: true });
      expect(page.complete).toBe(true);
      expect(page.sessions.length).toBeLessThanOrEqual(limit);
      shown.push(...page.sessions);
      after = page.next;
    }
    return shown;
  }

  async #create(random: Random): Promise<void> {
    // Many of one millisecond, and of one second.
    const at = new Date(START + random.below(DAYS) * 86_400_000 + random.below(3) * 1_000 + random.below(2));
    const id = makeSessionId(
      at,
      (this.#made++ * 7_919 + random.below(1_000) * 16_384).toString(16).slice(-6).padStart(6, '0'),
    );
    await this.#changed(id, async () => {
      const { session } = await this.store.create([id], opening(random.oneOf(USERS), at));
      this.#sessions.set(id, session);
    });
  }

  async #append(id: string, random: Random): Promise<void> {
    const appended = await this.store.append(id, (session) =>
      patching(aPatch(random), new Date(START + 1e9))(session),
    );
    if (appended) this.#sessions.set(id, appended.session);
  }

  async #remove(id: string): Promise<void> {
    await this.store.remove(id);
    this.#sessions.delete(id);
  }

  async #changed(id: string, change: () => Promise<void>): Promise<void> {
    this.#changing.set(id, (this.#changing.get(id) ?? 0) + 1);
    try {
      await change();
    } finally {
      this.#changes.push(id);
      const left = (this.#changing.get(id) as number) - 1;
      if (left > 0) this.#changing.set(id, left);
      else this.#changing.delete(id);
    }
  }
}

function aPatch(random: Random): SessionPatch {
  const text = Array.from({ length: 1 + random.below(4) }, () => random.oneOf(WORDS)).join(' ');
  return random.oneOf<SessionPatch>([
    { status: 'error' },
    { labels: { team: random.oneOf(['a', 'b', 'c']), repo: random.oneOf(['x', 'y']) } },
    { labels: { team: null } },
    { outputs: { requirement: { requirement_text: text, jira_epic_id: 'E-1' } } },
    { timing: { search_ms: random.below(1_000) } },
    { stepsCompleted: [random.oneOf(WORDS)] },
  ]);
}

function aQuestion(random: Random, sessions: readonly Session[]): Omit<ListQuery, 'limit'> {
  const times = [...sessions.map(({ createdAt }) => createdAt), new Date(START).toISOString()];
  const filter: SessionFilter = {
    ...(random.happens(0.4) && { statuses: STATUSES.filter(() => random.happens(0.5)).concat('created') }),
    ...(random.happens(0.3) && { userId: random.oneOf(USERS) }),
    ...(random.happens(0.2) && { createdAfter: random.oneOf(times) }),
    ...(random.happens(0.2) && { createdBefore: random.oneOf(times) }),
    ...(random.happens(0.3) && {
      labels: { team: random.oneOf(['a', 'b']), ...(random.happens(0.4) && { repo: 'x' }) },
    }),
    ...(random.happens(0.3) && {
      text: random.oneOf(['invoice', 'INVO pay', 'zur', 'zu', 'e', 'team b', 'x', 'ann', 'none']),
    }),
  };
  return { filter, order: random.oneOf(['newest', 'oldest'] as const) };
}

/** The filter of the port, as plainly as it can be said. */
function fits(session: Session, filter: SessionFilter): boolean {
  const { statuses, userId, createdAfter, createdBefore, labels = {}, text } = filter;
  return (
    (!statuses || statuses.includes(session.status)) &&
    (userId === undefined || session.userId === userId) &&
    (createdAfter === undefined || session.createdAt >= createdAfter) &&
    (createdBefore === undefined || session.createdAt < createdBefore) &&
    Object.entries(labels).every(([key, value]) => session.labels[key] === value) &&
    (text === undefined ||
      words(text).every((word) => words(searchText(session)).some((other) => other.startsWith(word))))
  );
}

const words = (text: string) =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** By time, of one millisecond by id: with ids of ours that is how the file store has it. */
function byAge(order: 'newest' | 'oldest') {
  const direction = order === 'newest' ? -1 : 1;
  return (left: ListedSession, right: ListedSession) => {
    const [a, b] = [left, right].map(({ createdAt, id }) => `${createdAt} ${id}`) as [string, string];
    return a < b ? -direction : direction;
  };
}
