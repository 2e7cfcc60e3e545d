/**
 * Verifies a session as it stands on the disk: reads its files and asks domain/verification.ts. Changes nothing, takes
 * no lock, and believes nothing that is in memory.
 */

import { createHash } from 'node:crypto';
import { SessionCorruptedError, StoreUnavailableError } from '../../domain/errors.js';
import type { SessionEvent } from '../../domain/session-event.js';
import {
  eventsCountedBy,
  type Problem,
  type ProblemKind,
  TORN_COPY,
  type Verification,
  verdict,
  verifyTrail,
} from '../../domain/verification.js';
import type { FileSystem } from './durable-file.js';
import { importDocument } from './legacy-folder.js';
import { isFolder, readLogFile, readViewFile } from './session-files.js';
import { EVENTS_FILE, type FolderEntry, type SessionFolders, VIEW_FILE } from './session-folders.js';

export interface VerifierOptions {
  readonly storeId: string;
  readonly legacyTimeZone: string;
}

/** What was found of a session. */
export interface Examined {
  /** The events that verify. */
  readonly events: readonly SessionEvent[];
  readonly problems: readonly Problem[];
  /** Their lines; absent where there is no log, or none that can be read. */
  readonly log?: Buffer;
  /** What is kept of the bytes that recoveries cut off, by the names that the events have for it. */
  readonly tails?: ReadonlyMap<string, Buffer>;
}

export class SessionVerifier {
  constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    private readonly options: VerifierOptions,
  ) {}

  /**
   * The outcome for a folder; `undefined` when it is not there.
   * @param known how many events were acknowledged, where the caller knows
   * @throws StoreUnavailableError when the disk could not be read
   */
  async verify(entry: FolderEntry, known?: number): Promise<Verification | undefined> {
    const examined = await this.examine(entry, known);
    return examined && verdict(examined.events, examined.problems);
  }

  /** As `verify`, with what was read. */
  async examine(entry: FolderEntry, known?: number): Promise<Examined | undefined> {
    try {
      return await this.#examine(entry, known);
    } catch (error) {
      if (error instanceof SessionCorruptedError)
        return refused('file_unreadable', (error.cause as Error).message);
      // A bad spot of the disk concerns the session that lies there, and keeps nobody from verifying the others.
      if (error instanceof StoreUnavailableError && (error.cause as NodeJS.ErrnoException)?.code === 'EIO')
        return refused('file_unreadable', 'a file cannot be read (EIO)');
      throw error;
    }
  }

  async #examine({ id, day }: FolderEntry, known: number | undefined): Promise<Examined | undefined> {
    const folder = this.folders.path({ id, day });
    // The view first: one that moves on while the log is read would look like one that is ahead of it.
    const view = (await readViewFile(this.files, id, folder))?.bytes;
    const log = (await readLogFile(this.files, id, folder))?.bytes;
    if (log) {
      const trail = { storeId: this.options.storeId, sid: id, log, view, known };
      const { events, length, problems } = verifyTrail(trail);
      const tails = await this.#tornCopies(id, folder, events);
      return {
        events,
        problems: [...problems, ...alteredCopies(events, tails)],
        log: log.subarray(0, length),
        tails,
      };
    }
    if (known)
      return refused('log_missing', `${EVENTS_FILE} is missing, of which ${known} events are known of`);
    if (view) return this.#withoutLog(id, day, view);
    if (!(await isFolder(this.files, folder))) return undefined;
    return refused('log_missing', `the folder has no ${EVENTS_FILE} and no ${VIEW_FILE}`);
  }

  /** A folder of the Python component has no trail to verify: it is valid when it can be read. */
  #withoutLog(id: string, day: string, view: Buffer): Examined {
    if (eventsCountedBy(view) !== undefined)
      return refused('log_missing', `${EVENTS_FILE} is missing: ${VIEW_FILE} is the view of a log`);
    importDocument(id, day, view, this.options.legacyTimeZone);
    return { events: [], problems: [] };
  }

  async #tornCopies(
    id: string,
    folder: string,
    events: readonly SessionEvent[],
  ): Promise<ReadonlyMap<string, Buffer>> {
    const copies = new Map<string, Buffer>();
    for (const { type, data } of events) {
      const { file } = data;
      if (type !== 'log_recovered' || typeof file !== 'string' || !TORN_COPY.test(file)) continue;
      const copy = await readLogFile(this.files, id, folder, file);
      if (copy) copies.set(file, copy.bytes);
    }
    return copies;
  }
}

/** The trail binds what a recovery cut off: it has to be there as it was. */
function alteredCopies(events: readonly SessionEvent[], copies: ReadonlyMap<string, Buffer>): Problem[] {
  const recoveries = events.filter(({ type }) => type === 'log_recovered');
  return recoveries.flatMap(({ seq, data }) => {
    const copy = copies.get(data.file as string);
    if (copy && createHash('sha256').update(copy).digest('hex') === data.sha256) return [];
    const message = 'the bytes that this recovery cut off are not kept as they were';
    return [{ seq, kind: 'torn_copy_altered' as const, message }];
  });
}

/** The outcome for a session of which nothing can be read. */
function refused(kind: ProblemKind, message: string): Examined {
  return { events: [], problems: [{ seq: null, kind, message }] };
}
