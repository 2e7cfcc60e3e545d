/**
 * Reads whole trails, to give events and to verify. A log is read once for all who ask for its events at the same time, and
 * large logs one after another, so that memory does not grow with the number of those who ask.
 */

import pLimit from 'p-limit';
import { StoreUnavailableError } from '../../domain/errors.js';
import type { LogReading } from '../../domain/event-log.js';
import type { Verification } from '../../domain/verification.js';
import type { EventPage, EventQuery } from '../session-store.js';
import type { LoadedSession } from './loaded-session.js';
import type { SessionFolders } from './session-folders.js';
import type { SessionLoader } from './session-loader.js';
import type { SessionStates } from './session-states.js';
import type { SessionVerifier } from './session-verifier.js';
import type { WriteGate } from './write-gate.js';

/** In bytes: a log that is longer waits for its turn. */
const LARGE = 1024 * 1024;

export class SessionTrails {
  readonly #underWay = new Map<string, Promise<LogReading | undefined>>();
  readonly #limitLarge = pLimit(1);

  constructor(
    private readonly folders: SessionFolders,
    private readonly loader: SessionLoader,
    private readonly verifier: SessionVerifier,
    private readonly states: SessionStates,
    private readonly gate: WriteGate,
  ) {}

  /** A page of the events of a session; `undefined` when it was taken away since it was loaded. */
  async events(loaded: LoadedSession, query: EventQuery): Promise<EventPage | undefined> {
    const { id, revision } = loaded.session;
    const log = await this.#together(loaded);
    if (!log && this.states.isUnknown(id))
      throw new StoreUnavailableError('Whether the session was removed is not known', 'unknown');
    if (!log) return undefined;
    const first = query.after === undefined ? 0 : query.after + 1;
    const events = log.events.slice(first, first + query.limit);
    const last = events.at(-1);
    return { events, nextAfter: last && last.seq < revision - 1 ? last.seq : null, revision };
  }

  /** In the session's turn: no write is under way then, and the log has to be what this store wrote. */
  async verify(id: string): Promise<Verification | undefined> {
    this.states.assertKnown(id);
    // Not loaded for this: that would have the view made anew, and an altered one is what is looked for.
    const cached = this.states.cached(id);
    const entry = cached ? { id, day: cached.day } : await this.gate.reading(() => this.loader.find(id));
    if (!entry) return undefined;
    if (!cached)
      await this.gate.reading(() => this.loader.makeDurable(this.folders.path(entry))).catch(ifNoLog);
    return this.gate.reading(() => this.verifier.verify(entry, cached?.session.revision));
  }

  #together(loaded: LoadedSession): Promise<LogReading | undefined> {
    const key = `${loaded.session.id} ${loaded.length}`;
    const known = this.#underWay.get(key);
    if (known) return known;
    const reading = this.#read(loaded).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, reading);
    return reading;
  }

  async #read(loaded: LoadedSession): Promise<LogReading | undefined> {
    const read = () => this.gate.reading(() => this.loader.readLogOf(loaded));
    const log = await (loaded.length > LARGE ? this.#limitLarge(read) : read());
    return log?.reading;
  }
}

/** Where there is no log, there is nothing to make durable. */
function ifNoLog(error: unknown): void {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
