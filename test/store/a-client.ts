/**
 * A client of a store on a faulty disk. It writes down what it was told, and holds the store to it: what was
 * acknowledged is there, what was not applied is not, what is unknown is there as a whole or not at all, and no call is
 * refused without a reason.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import { isSessionError, type SessionError } from '../../src/session/domain/errors.js';
import { readLog } from '../../src/session/domain/event-log.js';
import type { FileStore } from '../../src/session/store/file/file-store.js';
import { BORN, opening, patching } from '../../src/testing/contract/store-under-test.js';
import type { FaultyDisk } from './faulty-disk.js';

/** The steps of a session, in order; `undefined` for one that is not there. */
export type Steps = readonly string[] | undefined;

interface Told {
  steps: Steps;
  /** What they are if the command whose outcome is unknown was done. */
  otherwise?: { readonly steps: Steps };
  readonly day: string;
  /** How many of the steps are older than its log: the Python component's. */
  readonly inherited: number;
  /** What its first event has to say. */
  readonly first?: object;
}

export class Client {
  readonly #told = new Map<string, Told>();
  #underWay = 0;
  store!: FileStore;

  constructor(
    private readonly root: string,
    private readonly disk: FaultyDisk,
  ) {}

  /** A session that is there from the beginning. */
  knows(id: string, day: string, steps: Steps, inherited = 0, first?: object): void {
    this.#told.set(id, { steps, day, inherited, first });
  }

  create(id: string, at = BORN): Promise<void> {
    this.#told.set(id, { steps: undefined, day: at.toISOString().slice(0, 10), inherited: 0 });
    return this.#command(id, [], () => this.store.create([id], opening('me', at)));
  }

  append(id: string, ...steps: string[]): Promise<void> {
    const decide = patching({ stepsCompleted: steps }, new Date(BORN.getTime() + 86_400_000));
    return this.#command(
      id,
      (before) => [...(before ?? []), ...steps],
      () => this.store.append(id, decide),
    );
  }

  remove(id: string): Promise<void> {
    return this.#command(id, undefined, () => this.store.remove(id));
  }

  /** Every way to read, of every session: each shows what was acknowledged, or says why it cannot. */
  async look(): Promise<void> {
    for (const id of this.#told.keys()) {
      await this.read(id);
      await this.events(id);
    }
    await this.list();
  }

  async read(id: string): Promise<void> {
    const found = await this.#asked(id, () => this.store.read(id));
    if ('given' in found) same(found.given?.session.stepsCompleted, this.#of(id).steps);
  }

  async events(id: string): Promise<void> {
    const { steps, inherited } = this.#of(id);
    const found = await this.#asked(id, () => this.store.events(id, { limit: 500 }));
    if (!('given' in found)) return;
    same(found.given?.events.length, found.given?.revision);
    same(found.given && stepsIn(found.given.events), steps?.slice(inherited));
  }

  async list(): Promise<void> {
    const struck = this.disk.struck.length;
    const found = await this.#asked(undefined, () => this.store.list({ limit: 100, counted: true }));
    if (!('given' in found)) return;
    const wasStruck = this.disk.struck.length > struck;
    const shown = found.given.sessions.map((one): [string, Steps | 'corrupted'] => {
      if (one.status !== 'corrupted') return [one.id, one.stepsCompleted];
      // Of a session that could not be read just now, a listing shows that much.
      const cannotBeRead = wasStruck || this.disk.failsNow || this.#isUnsynced(one.id);
      return [one.id, cannotBeRead ? this.#of(one.id).steps : 'corrupted'];
    });
    // One that is not complete says so: then what it shows is right.
    const { complete, total } = found.given;
    const there = this.#there().filter((id) => complete || shown.some(([known]) => known === id));
    same(shown.sort(), there.map((id): [string, Steps] => [id, this.#of(id).steps]).sort());
    same(total, there.length);
  }

  /** The fault is over: everything can be read, and written to unless a sync failed or an outcome is unknown. */
  async expectService(): Promise<void> {
    await this.look();
    const stopped = this.#stopped();
    const { takingStock: _, ...health } = await this.store.health();
    expect(health).toEqual(
      stopped ? { writable: false, reason: expect.stringMatching(/^sync of .* failed/) } : { writable: true },
    );
    await this.create('sess_20240116_000000_eeeeee', new Date('2024-01-16T00:00:00.000Z'));
    for (const id of this.#there()) await this.append(id, 'after the fault');
  }

  /** The views of all sessions say what their logs do; the times that they wait for are over. */
  expectViews(): void {
    for (const id of this.#stopped() ? [] : this.#there()) {
      if (this.#of(id).otherwise) continue;
      const view = JSON.parse(readFileSync(this.#path(id, 'session_metadata.json'), 'utf8'));
      same([id, view.steps_completed], [id, this.#of(id).steps]);
    }
  }

  /** Whether the store cannot know that all it wrote is durable. */
  get isUnsure(): boolean {
    return this.#stopped() || [...this.#told.values()].some(({ otherwise }) => otherwise !== undefined);
  }

  /** The store was closed and opened again on a disk that works. */
  async expectKept(): Promise<void> {
    for (const [id, told] of this.#told) {
      const steps = (await this.store.read(id))?.session.stepsCompleted;
      expect([told.steps, ...(told.otherwise ? [told.otherwise.steps] : [])]).toContainEqual(steps);
      told.steps = steps;
      delete told.otherwise;
    }
    for (const id of this.#there()) await this.append(id, 'after the opening');
    await this.store.whenComplete();
    expect((await this.store.list({ limit: 1 })).complete).toBe(true);
    await this.list();
    const { store_id } = JSON.parse(readFileSync(join(this.root, '.store/format.json'), 'utf8'));
    for (const id of this.#there()) {
      const { steps, inherited, first } = this.#of(id);
      const reading = readLog(readFileSync(this.#path(id, 'events.jsonl')), store_id, id);
      same(reading.rest, undefined);
      same(stepsIn(reading.events), steps?.slice(inherited));
      if (first) expect(reading.events[0]?.data).toMatchObject(first);
    }
    const days = readdirSync(this.root).filter((name) => /^\d/.test(name));
    const left = days.flatMap((day) =>
      readdirSync(join(this.root, day)).filter((name) => name.startsWith('.')),
    );
    same(left, []);
  }

  async #command(
    id: string,
    after: Steps | ((before: Steps) => Steps),
    ask: () => Promise<unknown>,
  ): Promise<void> {
    const told = this.#of(id);
    const log = this.#logOf(id);
    const mayNot = this.#stopped() || told.otherwise !== undefined;
    const wasAlone = this.#underWay++ === 0;
    const done = await this.#asked(id, ask, mayNot).finally(() => this.#underWay--);
    const steps = typeof after === 'function' ? after(told.steps) : after;
    if ('given' in done && !done.given) {
      // There is no such session: it could not be made.
      same(told.steps, undefined);
    } else if ('given' in done) {
      if (mayNot) throw new Error(`a command on ${id} was done that had to be refused`);
      told.steps = steps;
    } else if (done.outcome === 'unknown') {
      told.otherwise = { steps };
    } else if (wasAlone && !this.disk.failsNow) {
      // What was written of it is undone, to the byte.
      same(this.#logOf(id), log);
    }
  }

  /** What a call gave, or how it was refused. */
  async #asked<T>(
    id: string | undefined,
    ask: () => Promise<T>,
    mayNot = false,
  ): Promise<{ readonly given: T } | { readonly outcome: unknown }> {
    const struck = this.disk.struck.length;
    try {
      return { given: await ask() };
    } catch (error) {
      if (!isSessionError(error)) throw error;
      const blows = this.disk.struck.slice(struck);
      this.#expectReason(error, id, blows, mayNot);
      return { outcome: error.details.outcome };
    }
  }

  #expectReason(
    error: SessionError,
    id: string | undefined,
    blows: readonly string[],
    mayNot: boolean,
  ): void {
    const own = new RegExp(`(stat|readFile) .*${id}/(events.jsonl|session_metadata.json)$`);
    // docs/STORAGE.md, section 7: a session of which a file cannot be read is corrupted, for as long as it cannot.
    if (error.code === 'SessionCorruptedError' && blows.some((call) => own.test(call))) return;
    expect(error).toMatchObject({
      code: 'StoreUnavailableError',
      outcome: expect.stringMatching(/^(not_applied|unknown)$/),
    });
    const unsure = id !== undefined && (this.#of(id).otherwise !== undefined || this.#isUnsynced(id));
    if (blows.length === 0 && !mayNot && !unsure)
      throw new Error(`refused for no reason: ${error.message}`, { cause: error });
  }

  #of(id: string): Told {
    const told = this.#told.get(id);
    if (!told) throw new Error(`${id} is shown, and nobody made it`);
    return told;
  }

  #there(): string[] {
    return [...this.#told].filter(([, { steps }]) => steps !== undefined).map(([id]) => id);
  }

  /** A sync failed: nothing is written any more. The lock's and the folder's own at opening keep the store closed. */
  #stopped(): boolean {
    return this.disk.failedSyncs.size > 0;
  }

  /** What was found after a kill and could not be made durable is not shown. */
  #isUnsynced(id: string): boolean {
    return [...this.disk.failedSyncs].some((path) => path.includes(`/${id}`));
  }

  #path(id: string, file: string): string {
    return join(this.root, this.#of(id).day, id, file);
  }

  #logOf(id: string): string | undefined {
    const path = this.#path(id, 'events.jsonl');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }
}

function stepsIn(events: readonly { readonly type: string; readonly data: unknown }[]): string[] {
  const steps = events.filter(({ type }) => type === 'step_completed');
  return steps.map(({ data }) => (data as { step: string }).step);
}

/** Jest's `toEqual`, with the cost of its words only where they are needed: it is asked a million times. */
export function same(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
}
