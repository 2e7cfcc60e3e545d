/**
 * A store that only remembers: the contract of the port in its plainest form, for tests of what is above the port and as
 * a model of what other stores should answer. Sessions are lists of sealed lines; listings are filters over an array.
 */

import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import {
  type Decision,
  type EventPage,
  type EventQuery,
  fold,
  IdempotencyKeyInUseError,
  idempotencyKeyOf,
  type ListQuery,
  listedSession,
  logPosition,
  type Session,
  type SessionChange,
  type SessionEvent,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  SessionStore,
  STATS_LIMITS,
  type StoredSession,
  type StoreHealth,
  StoreUnavailableError,
  sealEvents,
  searchText,
  type Verification,
  verdict,
  verifyTrail,
  wordsOf,
} from '../session/index.js';

const STORE_ID = 'memory';

/** What is kept of one session. */
interface Trail {
  readonly session: Session;
  readonly events: readonly SessionEvent[];
  readonly lines: Buffer;
}

/** What outlives a store that is closed: hand it to the next one. */
export type Memory = Map<string, Trail>;

/**
 * Keeps sessions in memory and nowhere else, for tests: `SessionModule.forRoot({ store: new MemoryStore() })`. Answers as
 * other stores do, a moment later; nothing is left of it when the process ends.
 */
export class MemoryStore extends SessionStore {
  readonly #keysInUse = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #changes = new EventEmitter<{ change: [SessionChange] }>().setMaxListeners(0);
  #closed = false;

  constructor(readonly memory: Memory = new Map()) {
    super();
  }

  override create(ids: Iterable<string>, opening: Decision, keyedSince?: Date): Promise<StoredSession> {
    const key = idempotencyKeyOf(opening);
    if (key === undefined) return this.#accept(() => this.#make(ids, opening));
    if (this.#keysInUse.has(key)) return this.#accept(() => Promise.reject(new IdempotencyKeyInUseError()));
    this.#keysInUse.add(key);
    const created = this.#accept(() => this.#madeWith(key, keyedSince) ?? this.#make(ids, opening));
    return created.finally(() => this.#keysInUse.delete(key));
  }

  override append(id: string, decide: (current: Session) => Decision): Promise<StoredSession | undefined> {
    return this.#accept(() => {
      const trail = this.memory.get(id);
      return trail && stored(this.#keep(id, trail, decide(trail.session)));
    });
  }

  override read(id: string): Promise<StoredSession | undefined> {
    return this.#accept(() => {
      const trail = this.memory.get(id);
      return trail && stored(trail);
    });
  }

  override events(id: string, { after = -1, limit }: EventQuery): Promise<EventPage | undefined> {
    return this.#accept(() => {
      const trail = this.memory.get(id);
      if (!trail) return undefined;
      const following = trail.events.filter((event) => event.seq > after);
      const events = following.slice(0, limit);
      const nextAfter = following.length > limit ? events.at(-1)!.seq : null;
      return { events, nextAfter, revision: trail.session.revision };
    });
  }

  override list({ filter = {}, order = 'newest', limit, after, offset = 0, counted }: ListQuery) {
    return this.#accept((): SessionPage => {
      const fitting = this.#fitting(filter).sort(order === 'newest' ? (a, b) => byAge(b, a) : byAge);
      const following = fitting.slice(after === undefined ? 0 : passed(fitting, after, order)).slice(offset);
      const page = following.slice(0, limit);
      return {
        sessions: page.map(listedSession),
        next: following.length > limit ? positionOf(page.at(-1)!) : null,
        ...(counted && { total: fitting.length }),
        complete: true,
      };
    });
  }

  override stats(filter: SessionFilter): Promise<SessionStats> {
    return this.#accept(() => {
      const fitting = this.#fitting(filter);
      const names = fitting.flatMap((session) => Object.keys(session.timing));
      return {
        total: fitting.length,
        statuses: counts(fitting.map(({ status }) => status)).map(([status, sessions]) => ({
          status,
          sessions,
        })),
        days: counts(fitting.map(({ createdAt }) => createdAt.slice(0, 10)))
          .map(([day, sessions]) => ({ day, sessions }))
          .sort((left, right) => (left.day < right.day ? 1 : -1))
          .slice(0, STATS_LIMITS.days),
        timings: counts(names)
          .slice(0, STATS_LIMITS.timings)
          .map(([name]) => timingStats(name, fitting)),
        complete: true,
      };
    });
  }

  override verify(id: string): Promise<Verification | undefined> {
    return this.#accept(() => {
      const trail = this.memory.get(id);
      if (!trail) return undefined;
      const { lines: log, session } = trail;
      const { events, problems } = verifyTrail({
        storeId: STORE_ID,
        sid: id,
        log,
        view: null,
        known: session.revision,
      });
      return verdict(events, problems);
    });
  }

  override remove(id: string): Promise<boolean> {
    return this.#accept(() => {
      const removed = this.memory.delete(id);
      if (removed) this.#changes.emit('change', { id, revision: 0 });
      return removed;
    });
  }

  override watch(listener: (change: SessionChange) => void, signal: AbortSignal): Promise<void> {
    return this.#accept(() => {
      if (signal.aborted) return;
      this.#changes.on('change', listener);
      signal.addEventListener('abort', () => this.#changes.off('change', listener), { once: true });
    });
  }

  override async health(): Promise<StoreHealth> {
    return this.#closed ? { writable: false, reason: 'the store is closed' } : { writable: true };
  }

  override async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    this.#changes.removeAllListeners();
  }

  /** Everything happens at once, in the order in which it was asked for, and a moment later: as in a store with a disk. */
  async #accept<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailableError('The store is closed', 'not_applied');
    const accepted = setImmediate().then(work);
    this.#underWay.add(accepted);
    try {
      return await accepted;
    } finally {
      this.#underWay.delete(accepted);
    }
  }

  #make(ids: Iterable<string>, opening: Decision): StoredSession {
    for (const id of ids) if (!this.memory.has(id)) return stored(this.#keep(id, undefined, opening));
    throw new StoreUnavailableError('No free session id was found in this second', 'not_applied');
  }

  #keep(id: string, before: Trail | undefined, decision: Decision): Trail {
    if (before && decision.events.length === 0) return before;
    const sealed = sealEvents(logPosition(STORE_ID, id, before?.session), decision);
    const after = {
      session: fold(before?.session, sealed.events)!,
      events: [...(before?.events ?? []), ...sealed.events],
      lines: Buffer.concat([before?.lines ?? Buffer.alloc(0), sealed.lines]),
    };
    this.memory.set(id, after);
    this.#changes.emit('change', { id, revision: after.session.revision });
    return after;
  }

  #madeWith(key: string, since = new Date(0)): StoredSession | undefined {
    const made = [...this.memory.values()].find(
      ({ session }) => session.idempotency?.key_sha256 === key && session.createdAt >= since.toISOString(),
    );
    return made && stored(made);
  }

  #fitting(filter: SessionFilter): Session[] {
    return [...this.memory.values()].map(({ session }) => session).filter((session) => fits(session, filter));
  }
}

const stored = ({ session }: Trail): StoredSession => ({ session, auditPath: `urn:memory:${session.id}` });

function fits(session: Session, filter: SessionFilter): boolean {
  const { statuses, userId, createdAfter, createdBefore, labels = {}, text } = filter;
  return (
    (statuses === undefined || statuses.includes(session.status)) &&
    (userId === undefined || session.userId === userId) &&
    (createdAfter === undefined || session.createdAt >= createdAfter) &&
    (createdBefore === undefined || session.createdAt < createdBefore) &&
    Object.entries(labels).every(([key, value]) => session.labels[key] === value) &&
    (text === undefined || hasWords(searchText(session), text))
  );
}

function hasWords(text: string, wanted: string): boolean {
  const [words, beginnings] = [wordsOf(text), wordsOf(wanted)];
  return beginnings.length > 0 && beginnings.every((one) => words.some((word) => word.startsWith(one)));
}

function byAge(left: Age, right: Age): number {
  const [a, b] = [ageOf(left), ageOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

type Age = Pick<Session, 'createdAt' | 'id'>;
/** Times have one length, so that these sort by time and then by id. */
const ageOf = ({ createdAt, id }: Age) => `${createdAt} ${id}`;
const positionOf = (session: Age) => Buffer.from(ageOf(session)).toString('hex');

/** How many of the sessions come before a position or stand at it. */
function passed(sessions: readonly Session[], position: string, order: ListQuery['order']): number {
  const [, createdAt, id] = /^(\S{24}) (sess_\S+)$/.exec(Buffer.from(position, 'hex').toString()) ?? [];
  if (!createdAt || !id) throw new RangeError('not a position of this store');
  const at = { createdAt, id };
  const isPassed = (session: Session) =>
    order === 'oldest' ? byAge(session, at) <= 0 : byAge(session, at) >= 0;
  return sessions.filter(isPassed).length;
}

/** Each value with how often it is there, most frequent first, then by their code points, as UTF-8 has them. */
function counts(values: readonly string[]): [string, number][] {
  const found = new Map<string, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return [...found].sort(([a, left], [b, right]) => right - left || Buffer.from(a).compare(Buffer.from(b)));
}

function timingStats(name: string, sessions: readonly Session[]) {
  const times = sessions
    .filter((session) => Object.hasOwn(session.timing, name))
    .map((session) => session.timing[name] as number)
    .sort((left, right) => left - right);
  const nearestRank = (percent: number) => times[Math.ceil((percent / 100) * times.length) - 1] as number;
  return { name, sessions: times.length, p50: nearestRank(50), p95: nearestRank(95) };
}
