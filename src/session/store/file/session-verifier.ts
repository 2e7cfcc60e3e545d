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
  type Verification,
  verdict,
  verifyTrail,
} from '../../domain/verification.js';
import type { FileSystem } from './durable-file.js';
import { importDocument } from './legacy-folder.js';
import { isFolder, readLogFile, readViewFile } from './session-files.js';
import { EVENTS_FILE, type FolderEntry, type SessionFolders, VIEW_FILE } from './session-folders.js';

/** What a recovery calls the bytes that it cut off. An event that names another file is not followed there. */
const TORN_COPY = /^events\.jsonl\.torn-\d{1,6}$/;

export interface VerifierOptions {
  readonly storeId: string;
  readonly legacyTimeZone: string;
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
    try {
      return await this.#verify(entry, known);
    } catch (error) {
      if (error instanceof SessionCorruptedError)
        return refused('file_unreadable', (error.cause as Error).message);
      // A bad spot of the disk concerns the session that lies there, and keeps nobody from verifying the others.
      if (error instanceof StoreUnavailableError && (error.cause as NodeJS.ErrnoException)?.code === 'EIO')
        return refused('file_unreadable', 'a file cannot be read (EIO)');
      throw error;
    }
  }

  async #verify({ id, day }: FolderEntry, known: number | undefined): Promise<Verification | undefined> {
    const folder = this.folders.path({ id, day });
    // The view first: one that moves on while the log is read would look like one that is ahead of it.
    const view = (await readViewFile(this.files, id, folder))?.bytes;
    const log = (await readLogFile(this.files, id, folder))?.bytes;
    if (log) {
      const { events, problems } = verifyTrail({ storeId: this.options.storeId, sid: id, log, view, known });
      return verdict(events, [...problems, ...(await this.#tornCopies(id, folder, events))]);
    }
    if (known)
      return refused('log_missing', `${EVENTS_FILE} is missing, of which ${known} events are known of`);
    if (view) return this.#withoutLog(id, day, view);
    if (!(await isFolder(this.files, folder))) return undefined;
    return refused('log_missing', `the folder has no ${EVENTS_FILE} and no ${VIEW_FILE}`);
  }

  /** A folder of the Python component has no trail to verify: it is valid when it can be read. */
  #withoutLog(id: string, day: string, view: Buffer): Verification {
    if (eventsCountedBy(view) !== undefined)
      return refused('log_missing', `${EVENTS_FILE} is missing: ${VIEW_FILE} is the view of a log`);
    importDocument(id, day, view, this.options.legacyTimeZone);
    return verdict([], []);
  }

  /** The trail binds what a recovery cut off: it has to be there as it was. */
  async #tornCopies(id: string, folder: string, events: readonly SessionEvent[]): Promise<Problem[]> {
    const problems: Problem[] = [];
    const hashes = new Map<unknown, string | undefined>();
    for (const { seq, data } of events.filter(({ type }) => type === 'log_recovered')) {
      const { file, sha256 } = data;
      if (!hashes.has(file)) hashes.set(file, await this.#hashOf(id, folder, file));
      if (hashes.get(file) === sha256) continue;
      const message = 'the bytes that this recovery cut off are not kept as they were';
      problems.push({ seq, kind: 'torn_copy_altered', message });
    }
    return problems;
  }

  async #hashOf(id: string, folder: string, file: unknown): Promise<string | undefined> {
    if (typeof file !== 'string' || !TORN_COPY.test(file)) return undefined;
    const copy = await readLogFile(this.files, id, folder, file);
    return copy && createHash('sha256').update(copy.bytes).digest('hex');
  }
}

/** The outcome for a session of which nothing can be read. */
function refused(kind: ProblemKind, message: string): Verification {
  return verdict([], [{ seq: null, kind, message }]);
}
