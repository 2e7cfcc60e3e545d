/**
 * Reads a session from its folder: the log where there is one, else what the Python component left. Every line is
 * checked; what is damaged is an error for that session alone. Changes nothing on the disk.
 */

import { join } from 'node:path';
import pLimit from 'p-limit';
import { SessionCorruptedError } from '../../domain/errors.js';
import { type LogReading, readLog } from '../../domain/event-log.js';
import { fold, importedSession, type Session } from '../../domain/session.js';
import type { SessionEvent } from '../../domain/session-event.js';
import { eventsCountedBy } from '../../domain/verification.js';
import type { FileSystem, SharedSyncs } from './durable-file.js';
import { type KeptState, restoreState } from './kept-state.js';
import { importDocument, readSummary } from './legacy-folder.js';
import type { LoadedSession } from './loaded-session.js';
import { areUnchanged, isFolder, type ReadFile, readLogFile, readViewFile } from './session-files.js';
import { EVENTS_FILE, type FolderEntry, type SessionFolders, VIEW_FILE } from './session-folders.js';
import { renderView } from './view-writer.js';

export interface LoaderOptions {
  readonly storeId: string;
  readonly legacyTimeZone: string;
  /** After an unclean stop: by which what was written last is made durable before anybody sees it. */
  readonly syncs?: SharedSyncs | undefined;
  /**
   * The day folder of a session, where somebody knows without looking: `null` when there is no such session, `undefined`
   * when that has to be looked for.
   */
  readonly dayOf?: (id: string) => string | null | undefined;
}

/** How many searches for ids that name no day run side by side. */
const SEARCHES = 2;

export class SessionLoader {
  /** A search for an id that names no day looks into all of them: many at once must not keep the disk from others. */
  readonly #limitSearches = pLimit(SEARCHES);
  #syncs: SharedSyncs | undefined;

  constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    private readonly options: LoaderOptions,
  ) {
    this.#syncs = options.syncs;
  }

  /** All that is in the folders is durable by now. */
  trustDisk(): void {
    this.#syncs = undefined;
  }

  /** Where the session of this id lies, whatever its condition. */
  async find(id: string): Promise<FolderEntry | undefined> {
    const computed = this.folders.computed(id);
    if (computed && (await this.#isThere(computed))) return computed;
    return this.#findElsewhere(id, computed);
  }

  /** Where a session lies that does not lie where its id says. */
  async #findElsewhere(id: string, computed: FolderEntry | undefined): Promise<FolderEntry | undefined> {
    const day = this.options.dayOf?.(id);
    if (day) return day === computed?.day ? undefined : { id, day };
    if (day === null) return undefined;
    return computed ? this.#search(id) : this.#limitSearches(() => this.#search(id));
  }

  /** Whether an id leads to this folder, and not to another one of the same name under another day. */
  async leadsTo(entry: FolderEntry): Promise<boolean> {
    if (this.folders.computed(entry.id)?.day === entry.day) return true;
    return (await this.find(entry.id))?.day === entry.day;
  }

  async #search(id: string): Promise<FolderEntry | undefined> {
    for (const entry of await this.folders.others(id)) {
      if (await this.#isThere(entry)) return entry;
    }
    return undefined;
  }

  /** The session of this id. The computed folder is read without looking first: that is the common case. */
  async load(id: string): Promise<LoadedSession | undefined> {
    const computed = this.folders.computed(id);
    const loaded = computed && (await this.loadFrom(computed));
    if (loaded) return loaded;
    const entry = await this.#findElsewhere(id, computed);
    return entry && this.loadFrom(entry);
  }

  /** The session of this id from a state that was kept of it; `undefined` where its files are not what they were. */
  async loadKept(id: string, kept: KeptState): Promise<LoadedSession | undefined> {
    const { length, whole } = kept;
    const entry = this.folders.computed(id);
    if (!entry) return undefined;
    const folder = this.folders.path(entry);
    if (!(await areUnchanged(this.files, folder, whole))) return undefined;
    const session = restoreState(kept);
    return session && { session, folder, day: entry.day, length, torn: false, viewIsStale: false, whole };
  }

  /** @throws SessionCorruptedError when the folder is there and no session can be read from it */
  async loadFrom(entry: FolderEntry): Promise<LoadedSession | undefined> {
    const folder = this.folders.path(entry);
    // The view first: who reads beside a writer would take one that moves on meanwhile for one that is ahead of the log.
    const before = await readViewFile(this.files, entry.id, folder);
    const log = await this.#readLog(entry.id, folder);
    if (log) return this.#fromLog(entry, folder, log, before);
    const view = before ?? (await readViewFile(this.files, entry.id, folder));
    if (view) return this.#fromLegacy(entry, folder, view.bytes);
    if (!(await this.#isThere(entry))) return undefined;
    throw new SessionCorruptedError(entry.id, `the folder has no ${EVENTS_FILE} and no ${VIEW_FILE}`);
  }

  /**
   * The log of a loaded session as it stands, and its bytes; what was checked when it was loaded is checked again.
   * `undefined` when the session was taken away since.
   */
  async readLogOf(
    loaded: LoadedSession,
  ): Promise<{ readonly bytes: Buffer; readonly reading: LogReading } | undefined> {
    const { session, folder, day, length } = loaded;
    const log = await readLogFile(this.files, session.id, folder);
    if (!log && !(await this.#isThere({ id: session.id, day }))) return undefined;
    const all = log?.bytes ?? Buffer.alloc(0);
    const reading = readLog(all.subarray(0, length), this.options.storeId, session.id);
    if (reading.rest || reading.length !== length || reading.events.length !== session.revision) {
      throw new SessionCorruptedError(session.id, 'the log was altered while the store was open');
    }
    return { bytes: all, reading };
  }

  #fromLog(entry: FolderEntry, folder: string, log: ReadFile, view: ReadFile | undefined): LoadedSession {
    const { events, length, rest } = readLog(log.bytes, this.options.storeId, entry.id);
    const known = () => eventsCountedBy(view?.bytes) ?? 0;
    if (rest && (!rest.torn || rest.seq < known())) {
      throw new SessionCorruptedError(entry.id, `event ${rest.seq} of the log: ${rest.finding}`);
    }
    const session = this.#stateOf(entry.id, events);
    const [torn, viewIsStale] = [rest !== undefined, view?.bytes.toString() !== this.#viewOf(session)];
    if (viewIsStale && known() > session.revision) {
      const finding = `the view knows of ${known()} events and the log has ${session.revision}: acknowledged events were lost`;
      throw new SessionCorruptedError(entry.id, finding);
    }
    const loaded = { session, folder, day: entry.day, length, torn, viewIsStale };
    if (torn || viewIsStale || !log.stamp || !view?.stamp) return loaded;
    return { ...loaded, whole: { log: log.stamp, view: view.stamp } };
  }

  /** The state that the events make. What somebody else sealed may be well chained and make no sense. */
  #stateOf(id: string, events: readonly SessionEvent[]): Session {
    const session = this.#sense(id, () => fold(undefined, events));
    if (session) return session;
    throw new SessionCorruptedError(id, 'the log does not begin with the event that makes it');
  }

  /** The view that a state should have. */
  #viewOf(session: Session): string {
    return this.#sense(session.id, () => renderView(session));
  }

  #sense<T>(id: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      throw new SessionCorruptedError(id, 'the events of the log make no state', cause);
    }
  }

  async #fromLegacy(entry: FolderEntry, folder: string, document: Buffer): Promise<LoadedSession> {
    const read = importDocument(entry.id, entry.day, document, this.options.legacyTimeZone);
    const imported = { ...read, summary: await readSummary(this.files, folder) };
    const session = importedSession(entry.id, imported);
    return { session, folder, day: entry.day, length: 0, torn: false, viewIsStale: false, imported };
  }

  async #readLog(id: string, folder: string): Promise<ReadFile | undefined> {
    const log = await readLogFile(this.files, id, folder);
    if (log) await this.makeDurable(folder);
    return log;
  }

  /** After an unclean stop: what was written last to a session's log survives what is shown of it. */
  async makeDurable(folder: string): Promise<void> {
    if (!this.#syncs) return;
    await this.#syncs.file(join(folder, EVENTS_FILE));
    await this.#syncs.folder(folder);
  }

  #isThere(entry: FolderEntry): Promise<boolean> {
    return isFolder(this.files, this.folders.path(entry));
  }
}
