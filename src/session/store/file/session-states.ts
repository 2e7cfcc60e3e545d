/**
 * The states that readers are shown and commands are decided on: what is durable. Kept in memory as far as they fit, else
 * read from the disk.
 */

import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import { SessionCorruptedError, StoreUnavailableError } from '../../domain/errors.js';
import type { SessionChange } from '../session-store.js';
import type { SessionIndex } from './index/session-index.js';
import type { LoadedSession } from './loaded-session.js';
import type { SessionLoader } from './session-loader.js';
import type { ViewWriter } from './view-writer.js';
import type { WriteGate } from './write-gate.js';

/** Memory that states of sessions may take, in bytes, by a rough count. */
const CACHE_BYTES = 64 * 1024 * 1024;

export class SessionStates {
  readonly #cache = new LRUCache<string, LoadedSession>({ maxSize: CACHE_BYTES, sizeCalculation: sizeOf });
  /**
   * Sessions of which a command's outcome is unknown, as they were before it: what is on the disk since then is not to
   * be seen, and not to be built upon, until the next start has made it durable.
   */
  readonly #frozen = new Map<string, LoadedSession | undefined>();

  readonly #changes = new EventEmitter<{ change: [SessionChange] }>().setMaxListeners(0);

  constructor(
    private readonly loader: SessionLoader,
    private readonly index: SessionIndex,
    private readonly views: ViewWriter,
    private readonly gate: WriteGate,
  ) {}

  /** What is in memory. */
  cached(id: string): LoadedSession | undefined {
    return this.#cache.get(id);
  }

  /** A session as it is durable; `undefined` when there is none. In the session's turn. */
  async load(id: string): Promise<LoadedSession | undefined> {
    if (this.#frozen.has(id)) return this.#frozen.get(id);
    const cached = this.#cache.get(id);
    if (cached) return cached;
    const state = this.index.keptState(id);
    const kept = state && (await this.gate.reading(() => this.loader.loadKept(id, state)));
    if (!kept) return this.#loadFromFolder(id);
    this.#cache.set(id, kept);
    return kept;
  }

  async #loadFromFolder(id: string): Promise<LoadedSession | undefined> {
    const loaded = await this.gate
      .reading(() => this.loader.load(id))
      .catch((error) => this.#noteCorruption(id, error));
    if (!loaded) return undefined;
    // The Python component may still change its folders: they are read each time until they are ours.
    if (loaded.imported) this.index.put(loaded);
    else {
      this.#cache.set(id, loaded);
      this.index.putAsRead(loaded);
    }
    if (loaded.viewIsStale && !this.gate.closedBecause) this.views.schedule(loaded.session, loaded.folder);
    return loaded;
  }

  /** A command made this of a session, durably. */
  put(loaded: LoadedSession): void {
    const { id, revision } = loaded.session;
    this.#cache.set(id, loaded);
    this.index.put(loaded);
    this.#changes.emit('change', { id, revision });
  }

  /** A session was taken away, durably. */
  remove(id: string): void {
    this.#cache.delete(id);
    this.index.remove(id);
    this.#changes.emit('change', { id, revision: 0 });
  }

  /** Tells of what commands make durable, until it is aborted. */
  watch(listener: (change: SessionChange) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#changes.on('change', listener);
    signal.addEventListener('abort', () => this.#changes.off('change', listener), { once: true });
  }

  /** A command failed for a session whose state was `before`: readers are shown that, and lists too. */
  keep(id: string, before: LoadedSession | undefined, isUnknown: boolean): void {
    this.#cache.delete(id);
    if (isUnknown) this.#frozen.set(id, before);
    // Who takes stock leaves to commands what they touch.
    if (before) this.index.put(before);
  }

  /** Whether a command's outcome is unknown. */
  isUnknown(id: string): boolean {
    return this.#frozen.has(id);
  }

  get anyUnknown(): boolean {
    return this.#frozen.size > 0;
  }

  /** Decided on what readers are shown, a command would write over what may be there. @throws StoreUnavailableError */
  assertKnown(id: string): void {
    if (this.#frozen.has(id))
      throw new StoreUnavailableError('The outcome of an earlier command is not known', 'not_applied');
  }

  /** Lists show from now on that it cannot be read; where it is not known to be there, this says nothing of it. */
  #noteCorruption(id: string, error: unknown): never {
    const day = error instanceof SessionCorruptedError && this.index.dayOf(id);
    if (day) this.index.putCorrupted({ id, day });
    throw error;
  }
}

/** Memory that a state takes, in bytes, roughly: twice its JSON, and what an imported document may take. */
function sizeOf({ session, length }: LoadedSession): number {
  const names = session.stepsCompleted.length + Object.keys(session.timing).length;
  return 2_048 + 128 * names + 2 * session.outputBytes + (session.imported ? length : 0);
}
