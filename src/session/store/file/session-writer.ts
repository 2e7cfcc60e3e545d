/**
 * Writes sessions: the durability protocol of docs/STORAGE.md, step by step, for one session at a time. Knows nothing
 * of queues, caches and readers; what each call does to the disk is in durable-file.ts.
 *
 * Every failure is a StoreUnavailableError that says whether the change may have been made.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  type Outcome,
  SessionCorruptedError,
  SessionLimitError,
  StoreUnavailableError,
} from '../../domain/errors.js';
import { type Decision, logPosition, sealEvents } from '../../domain/event-log.js';
import { fold, type Session } from '../../domain/session.js';
import type { EventDraft, SessionEvent } from '../../domain/session-event.js';
import { LIMITS } from '../../domain/session-rules.js';
import {
  appendToFile,
  createFile,
  type FileSystem,
  makeFolder,
  placeFile,
  type SharedSyncs,
  SyncFailedError,
  syncFolder,
  UnexpectedLengthError,
} from './durable-file.js';
import type { LoadedSession } from './loaded-session.js';
import { EVENTS_FILE, type FolderEntry, type SessionFolders, VIEW_FILE } from './session-folders.js';
import type { SessionLoader } from './session-loader.js';
import { renderView } from './view-writer.js';

/** In whose name the store itself adds events. */
export const STORE_ACTOR = 'session-store';
/** What rename(2) answers when the target is there. */
const TAKEN = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/** What makes a session's folder. */
export interface FolderContent {
  readonly log: Buffer;
  /** What the log comes to. */
  readonly session: Session;
  /** Further files: what recoveries cut off the log. */
  readonly tails?: ReadonlyMap<string, Buffer>;
}

export class SessionWriter {
  /** Day folders that are known to be there, durably. */
  readonly #days = new Map<string, Promise<void>>();
  readonly #leftOver = new Set<string>();

  constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    /** The one of all who sync these folders: it knows of which a sync failed. */
    private readonly syncs: SharedSyncs,
    private readonly loader: SessionLoader,
    private readonly storeId: string,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {}

  /** Makes a session's folder; nothing when something took its place meanwhile. */
  async create(entry: FolderEntry, opening: Decision): Promise<LoadedSession | undefined> {
    const { lines, events } = sealEvents(logPosition(this.storeId, entry.id), opening);
    return this.place(entry, { log: lines, session: folded(undefined, events) });
  }

  /** As `create`, with lines that were sealed already. */
  async place(entry: FolderEntry, content: FolderContent): Promise<LoadedSession | undefined> {
    const { log, session } = content;
    const day = join(this.folders.root, entry.day);
    const building = this.folders.building(entry);
    try {
      await this.#build(entry.day, building, content);
      if (!(await this.#takePlace(building, entry))) return undefined;
    } catch (error) {
      await this.delete(entry.id, building);
      throw unavailable(error, 'not_applied');
    }
    await settled(this.syncs.folder(day));
    const folder = this.folders.path(entry);
    return { session, folder, day: entry.day, length: log.length, torn: false, viewIsStale: false };
  }

  /** The session after a decision was made durable. */
  async write(current: LoadedSession, decision: Decision): Promise<LoadedSession> {
    if (current.imported) return this.#adopt(current, current.imported, decision);
    if (current.torn) return this.#recover(current, decision);
    const { lines, events } = sealEvents(
      logPosition(this.storeId, current.session.id, current.session),
      decision,
    );
    const length = current.length + lines.length;
    assertLogFits(length);
    try {
      await appendToFile(this.files, join(current.folder, EVENTS_FILE), current.length, lines);
    } catch (error) {
      if (error instanceof UnexpectedLengthError)
        throw new SessionCorruptedError(current.session.id, error.message, error);
      throw unavailable(error, error instanceof SyncFailedError ? 'unknown' : 'not_applied');
    }
    const { folder, day } = current;
    return { session: folded(current.session, events), folder, day, length, torn: false, viewIsStale: true };
  }

  /** Takes a session's folder away: by its name at once, then by its content. */
  async remove(entry: FolderEntry): Promise<void> {
    const day = join(this.folders.root, entry.day);
    const remains = this.folders.removed(entry);
    const goOut = () => this.files.rename(this.folders.path(entry), remains);
    await goOut()
      .catch(async (error: NodeJS.ErrnoException) => {
        // Of an earlier session of this id something is left over.
        if (!TAKEN.has(error.code ?? '')) throw error;
        await this.files.rm(remains, { recursive: true, force: true });
        await goOut();
      })
      .catch((error) => Promise.reject(unavailable(error, 'not_applied')));
    await settled(this.syncs.folder(day));
    await this.delete(entry.id, remains);
  }

  /** Whether something of a session is left over that the next start has to delete. */
  hasLeftOver(id: string): boolean {
    return this.#leftOver.has(id);
  }

  get hasLeftOvers(): boolean {
    return this.#leftOver.size > 0;
  }

  /** Takes away what is half made or half removed of a session. What cannot be deleted is left over. */
  async delete(id: string, path: string): Promise<void> {
    try {
      await this.files.rm(path, { recursive: true, force: true });
    } catch (error) {
      this.#leftOver.add(id);
      this.warn(`${path} is left over and could not be deleted; the next start will try again`, error);
    }
  }

  /** Puts a finished folder in its place; whether the place was free. */
  async #takePlace(building: string, entry: FolderEntry): Promise<boolean> {
    try {
      await this.files.rename(building, this.folders.path(entry));
      return true;
    } catch (error) {
      if (!TAKEN.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await this.delete(entry.id, building);
      return false;
    }
  }

  /** A folder with all its content, durable, under a name that is no session's. */
  async #build(day: string, building: string, { log, session, tails }: FolderContent): Promise<void> {
    await this.#dayFolder(day);
    try {
      await this.files.mkdir(building);
    } catch (error) {
      // The day folder was there once and may have been taken away by hand.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#days.delete(day);
      await this.#dayFolder(day);
      await this.files.mkdir(building);
    }
    await createFile(this.files, join(building, EVENTS_FILE), log);
    for (const [name, bytes] of tails ?? []) await createFile(this.files, join(building, name), bytes);
    await this.files.writeFile(join(building, VIEW_FILE), renderView(session));
    await syncFolder(this.files, building);
  }

  async #dayFolder(day: string): Promise<void> {
    const made = this.#days.get(day) ?? this.#makeDayFolder(day);
    this.#days.set(day, made);
    try {
      await made;
    } catch (error) {
      this.#days.delete(day);
      throw error;
    }
  }

  /** Synced though it was there already: whoever made it may have been stopped before it did. */
  async #makeDayFolder(day: string): Promise<void> {
    const made = await makeFolder(this.files, join(this.folders.root, day));
    if (!made) await syncFolder(this.files, this.folders.root);
  }

  /** The first change of a folder of the Python component: its log begins with what it was. */
  #adopt(
    current: LoadedSession,
    imported: NonNullable<LoadedSession['imported']>,
    decision: Decision,
  ): Promise<LoadedSession> {
    const opening: EventDraft = { type: 'session_imported', data: imported };
    return this.#putLog(current, Buffer.alloc(0), undefined, opening, decision);
  }

  /** The first change after a torn tail was found: it is kept beside the log, cut off, and told of. */
  async #recover(current: LoadedSession, decision: Decision): Promise<LoadedSession> {
    const log = await this.loader.readLogOf(current);
    if (!log) throw unavailable(new Error('the log is gone'), 'not_applied');
    const { bytes } = log;
    const tail = bytes.subarray(current.length);
    const file = await this.#keepTail(current.folder, tail);
    const sha256 = createHash('sha256').update(tail).digest('hex');
    const notice: EventDraft = { type: 'log_recovered', data: { file, bytes: tail.length, sha256 } };
    return this.#putLog(current, bytes.subarray(0, current.length), current.session, notice, decision);
  }

  /** Puts a log in place as a whole: what is kept of the old one, the store's own event, then the decision. */
  async #putLog(
    current: LoadedSession,
    kept: Buffer,
    before: Session | undefined,
    draft: EventDraft,
    decision: Decision,
  ): Promise<LoadedSession> {
    const { id } = current.session;
    const own = { at: decision.at, actor: STORE_ACTOR, events: [draft] };
    const first = sealEvents(logPosition(this.storeId, id, before), own);
    const opened = folded(before, first.events);
    const second = sealEvents(logPosition(this.storeId, id, opened), decision);
    const log = Buffer.concat([kept, first.lines, second.lines]);
    assertLogFits(log.length);
    const { folder, day } = current;
    await placeFile(this.files, join(folder, EVENTS_FILE), log).catch((error) =>
      Promise.reject(unavailable(error, 'not_applied')),
    );
    await settled(this.syncs.folder(folder));
    const session = folded(opened, second.events);
    return { session, folder, day, length: log.length, torn: false, viewIsStale: true };
  }

  async #keepTail(folder: string, tail: Buffer): Promise<string> {
    for (let n = 1; ; n++) {
      const name = `${EVENTS_FILE}.torn-${n}`;
      try {
        await createFile(this.files, join(folder, name), tail);
        await this.syncs.folder(folder);
        return name;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unavailable(error, 'not_applied');
      }
    }
  }
}

function folded(before: Session | undefined, events: readonly SessionEvent[]): Session {
  const session = fold(before, events);
  if (!session) throw new Error('the events do not begin with one that makes a session');
  return session;
}

function assertLogFits(bytes: number): void {
  if (bytes > LIMITS.logBytes) throw new SessionLimitError('bytes of events', LIMITS.logBytes);
}

/** A sync of what everybody could see already: when it fails, nobody knows the outcome. */
async function settled(sync: Promise<void>): Promise<void> {
  await sync.catch((error) => Promise.reject(unavailable(error, 'unknown')));
}

function unavailable(error: unknown, outcome: Outcome): StoreUnavailableError {
  return new StoreUnavailableError('The store could not write', outcome, error);
}
