/**
 * Writers and readers that use one store at the same time and record what they did and saw: the workload of promise 7,
 * no update lost or doubled. Takes the store that it is given, so that one with a part taken out can be tried too.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLog } from '../../src/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../src/session/domain/lifecycle.js';
import { decidePatch, type SessionPatch } from '../../src/session/domain/session.js';
import type { EventDraft } from '../../src/session/domain/session-event.js';
import { makeSessionId } from '../../src/session/domain/session-id.js';
import type { SessionStore, StoredSession } from '../../src/session/store/session-store.js';
import { Random } from '../random.js';
import {
  Clock,
  describeEvent,
  type LoggedEvent,
  loggedEvent,
  type Operation,
  type Write,
} from './history.js';

export interface Clients {
  readonly writers: number;
  readonly readers: number;
  /** Of all clients together. */
  readonly operations: number;
  readonly seed: number;
}

export interface Recorded {
  readonly operations: readonly Operation[];
  /** What a store that works does not throw, a line each. */
  readonly errors: readonly string[];
}

/** Clients work on the sessions made last, so that several always meet on one. */
const MEETING_PLACES = 4;
/** One command in so many makes a new session; one read in so many reads events and not the state. */
const CREATE_ONE_IN = 100;
const EVENTS_ONE_IN = 8;

/** Lets the clients do their operations, all at the same time. */
export async function useAtOnce(store: SessionStore, clients: Clients): Promise<Recorded> {
  const run = new Run(store, clients.operations);
  await run.makeSessions();
  const names = [
    ...Array.from({ length: clients.writers }, (_, n) => `writer ${n}`),
    ...Array.from({ length: clients.readers }, (_, n) => `reader ${n}`),
  ];
  await Promise.all(names.map((name, n) => run.client(name, new Random(clients.seed, n))));
  return run;
}

class Run implements Recorded {
  readonly operations: Operation[] = [];
  readonly errors: string[] = [];
  readonly #clock = new Clock();
  readonly #sessions: string[] = [];
  #begun = 0;
  #ids = 0;

  constructor(
    private readonly store: SessionStore,
    private readonly wanted: number,
  ) {}

  async makeSessions(): Promise<void> {
    for (let n = 0; n < MEETING_PLACES; n++) await this.#create('the first');
  }

  async client(name: string, random: Random): Promise<void> {
    while (this.#begun < this.wanted) {
      const session = this.#sessions.at(-1 - random.below(MEETING_PLACES)) as string;
      if (name.startsWith('reader')) await this.#read(name, session, random);
      else if (random.below(CREATE_ONE_IN) === 0) await this.#create(name);
      else await this.#append(name, session, random.below(4));
    }
  }

  async #create(client: string): Promise<void> {
    const name = this.#name('c');
    const data = { user_id: client, status: 'created', labels: { made_by: name } };
    const opening: EventDraft = { type: 'session_created', data };
    // The first id that is tried is another session's: making one passes over what is taken.
    const ids = [this.#ids++, this.#ids].map((n) =>
      makeSessionId(new Date(), n.toString(16).padStart(6, '0')),
    );
    const asked = { kind: 'create' as const, client, name, events: [describeEvent(opening.type, data)] };
    const stored = await this.#command(asked, () =>
      this.store.create(ids, { at: new Date(), actor: client, events: [opening] }),
    );
    if (stored) this.#sessions.push(stored.session.id);
  }

  async #append(client: string, session: string, size: number): Promise<void> {
    const name = this.#name('a');
    const ms = this.#begun;
    const patch: SessionPatch = {
      timing: { search_ms: ms },
      ...(size > 1 && { stepsCompleted: [name] }),
      ...(size > 2 && { outputs: { search: { matches: ms } } }),
    };
    const events = [
      ...(size > 2 ? [describeEvent('output_recorded', { name: 'search', value: { matches: ms } })] : []),
      describeEvent('timing_recorded', { name: 'search_ms', ms }),
      ...(size > 1 ? [describeEvent('step_completed', { step: name })] : []),
    ];
    await this.#command({ kind: 'append', client, name, session, events }, () =>
      this.store.append(session, (current) => ({
        at: new Date(),
        actor: client,
        events: decidePatch(current, patch, { lifecycle: ASSESSMENT_LIFECYCLE, reason: name }),
      })),
    );
  }

  async #command(
    asked: Pick<Write, 'kind' | 'client' | 'name' | 'session' | 'events'>,
    command: () => Promise<StoredSession | undefined>,
  ): Promise<StoredSession | undefined> {
    const invoked = this.#clock.now();
    try {
      const stored = await command();
      if (!stored) throw new Error('there is no such session');
      const { id: session, revision } = stored.session;
      const returned = this.#clock.now();
      this.operations.push({ ...asked, session, invoked, returned, outcome: 'ok', revision });
      return stored;
    } catch (error) {
      this.errors.push(`${asked.client}'s ${asked.kind} ${asked.name} of ${asked.session}: ${error}`);
      this.operations.push({ ...asked, invoked, returned: this.#clock.now(), outcome: 'unknown' });
      return undefined;
    }
  }

  async #read(client: string, session: string, random: Random): Promise<void> {
    const name = this.#name('r');
    const invoked = this.#clock.now();
    const wantsEvents = random.below(EVENTS_ONE_IN) === 0;
    try {
      const seen = wantsEvents ? await this.#events(session) : await this.#state(session);
      const returned = this.#clock.now();
      this.operations.push({ kind: 'read', client, name, session, invoked, returned, ...seen });
    } catch (error) {
      this.errors.push(`${client}'s read ${name} of ${session}: ${error}`);
    }
  }

  async #events(session: string) {
    const page = await this.store.events(session, { limit: 500 });
    return { revision: page?.revision ?? 0, from: 0, hashes: page?.events.map(({ hash }) => hash) ?? [] };
  }

  async #state(session: string) {
    const stored = await this.store.read(session);
    if (!stored) return { revision: 0, from: 0, hashes: [] };
    const { revision, head } = stored.session;
    return { revision, from: revision - 1, hashes: [head] };
  }

  #name(kind: string): string {
    this.#begun += 1;
    return `${kind}${this.#begun}`;
  }
}

/** The logs of a data folder as they lie there, and what is wrong with their chains. */
export async function logsIn(
  folder: string,
): Promise<{ logs: Map<string, LoggedEvent[]>; broken: string[] }> {
  const { store_id: storeId } = JSON.parse(await readFile(join(folder, '.store', 'format.json'), 'utf8'));
  const logs = new Map<string, LoggedEvent[]>();
  const broken: string[] = [];
  for (const day of await readdir(folder)) {
    if (day === '.store') continue;
    for (const session of await readdir(join(folder, day))) {
      const bytes = await readFile(join(folder, day, session, 'events.jsonl'));
      const { events, rest } = readLog(bytes, storeId, session);
      if (rest) broken.push(`event ${rest.seq} of ${session}: ${rest.finding}`);
      logs.set(session, events.map(loggedEvent));
    }
  }
  return { logs, broken };
}
