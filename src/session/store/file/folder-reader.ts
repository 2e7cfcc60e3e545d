/**
 * Reads a data folder beside whoever writes it, or a copy of one: takes no lock and changes nothing. For the command
 * line; the running store has its own ways.
 */

import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { StoreOpenError } from '../../domain/errors.js';
import type { Session } from '../../domain/session.js';
import type { SessionEvent } from '../../domain/session-event.js';
import { type Problem, type Verification, verdict } from '../../domain/verification.js';
import { refuseHalfCopied } from './copy-mark.js';
import type { FileSystem } from './durable-file.js';
import { isFolder } from './session-files.js';
import { type FolderEntry, SessionFolders } from './session-folders.js';
import { SessionLoader } from './session-loader.js';
import { SessionVerifier } from './session-verifier.js';
import { readStoreId, STORE_FOLDER } from './store-format.js';
import { systemFiles } from './system-files.js';

export interface FolderReaderOptions {
  /** The data folder. */
  readonly path: string;
  /** IANA name of the zone of times without one, in folders of the Python component. Default `UTC`. */
  readonly legacyTimeZone?: string;
  /** The file system; for tests. */
  readonly files?: FileSystem;
}

/** A session's folder and what came of its verification. */
export interface VerifiedSession {
  readonly id: string;
  readonly verification: Verification;
}

/** A session with its whole trail. */
export interface ReadSession {
  readonly session: Session;
  /** Its folder, as the data folder was given. */
  readonly auditPath: string;
  readonly events: readonly SessionEvent[];
}

/** How many sessions are verified side by side, and how many may wait to be told in their order. */
const VERIFIERS = 8;
const WINDOW = 64;
/** A log as long as this is verified alone, so that memory is bounded whatever lies in the folder. In bytes. */
const LARGE = 1024 * 1024;
/** A writer may be in the middle of what looks like a problem: it is one when it stays for this time, in milliseconds. */
const RECHECK_MS = 50;
const RECHECKS = 5;

export class FolderReader {
  readonly #verifier: SessionVerifier;
  readonly #loader: SessionLoader;
  readonly #limitAll = pLimit(VERIFIERS);
  readonly #limitLarge = pLimit(1);

  private constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    /** Names the store in the first link of every chain. */
    readonly storeId: string,
    legacyTimeZone: string,
  ) {
    this.#verifier = new SessionVerifier(files, folders, { storeId, legacyTimeZone });
    this.#loader = new SessionLoader(files, folders, { storeId, legacyTimeZone });
  }

  /** @throws StoreOpenError whose message is one line that says what to do */
  static async open(options: FolderReaderOptions): Promise<FolderReader> {
    const { files = systemFiles, legacyTimeZone = 'UTC' } = options;
    await readable(resolve(options.path), () => refuseHalfCopied(files, resolve(options.path)));
    const storeId = await storeIdOf(files, resolve(options.path));
    const folders = new SessionFolders(files, options.path);
    return new FolderReader(files, folders, storeId, legacyTimeZone);
  }

  /** How many sessions there are to verify. */
  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this.folders.walk()) count++;
    return count;
  }

  /**
   * Verifies all sessions, day by day from the oldest on, within a day in no order. Memory does not grow with them.
   * @param passOver told of what lies there and is no session, by its path in the data folder
   */
  async *verifyAll(passOver?: (path: string) => void): AsyncGenerator<VerifiedSession> {
    const window: Promise<VerifiedSession | undefined>[] = [];
    for await (const entry of this.folders.walk(passOver)) {
      const verifying = this.#limitAll(() => this.#verify(entry));
      // Awaited below, in its turn; until then a failure is not unhandled.
      verifying.catch(() => undefined);
      window.push(verifying);
      const first = window.length < WINDOW ? undefined : await window.shift();
      if (first) yield first;
    }
    for (const verifying of window) {
      const verified = await verifying;
      if (verified) yield verified;
    }
  }

  async verify(id: string): Promise<VerifiedSession | undefined> {
    const entry = await this.#loader.find(id);
    return entry && this.#verify(entry);
  }

  /** @throws SessionCorruptedError */
  async read(id: string): Promise<ReadSession | undefined> {
    const loaded = await this.#loader.load(id);
    if (!loaded) return undefined;
    const log = loaded.imported ? undefined : await this.#loader.readLogOf(loaded);
    const auditPath = this.folders.auditPath({ id, day: loaded.day });
    return { session: loaded.session, auditPath, events: log?.reading.events ?? [] };
  }

  /** What a session's verification comes to; nothing when its folder was taken away meanwhile. */
  async #verify(entry: FolderEntry): Promise<VerifiedSession | undefined> {
    const { id } = entry;
    if (!(await this.#loader.leadsTo(entry))) {
      const isThere = await isFolder(this.files, this.folders.path(entry));
      return isThere ? { id, verification: verdict([], [MISPLACED]) } : undefined;
    }
    const verification = (await this.#isLarge(entry))
      ? await this.#limitLarge(() => this.#untilSettled(entry))
      : await this.#untilSettled(entry);
    return verification && { id, verification };
  }

  /** The outcome once it stays as it is. */
  async #untilSettled(entry: FolderEntry): Promise<Verification | undefined> {
    let latest = await this.#verifier.verify(entry);
    for (let attempt = 0; latest && !latest.valid && attempt < RECHECKS; attempt++) {
      await pause(RECHECK_MS);
      const again = await this.#verifier.verify(entry);
      if (JSON.stringify(again) === JSON.stringify(latest)) break;
      latest = again;
    }
    return latest;
  }

  #isLarge(entry: FolderEntry): Promise<boolean> {
    return this.files.stat(this.folders.log(entry)).then(
      ({ size }) => size >= LARGE,
      () => false,
    );
  }
}

export const MISPLACED: Problem = {
  seq: null,
  kind: 'folder_misplaced',
  message: 'its id does not lead to this folder: nobody finds it here',
};

async function storeIdOf(files: FileSystem, root: string): Promise<string> {
  const storeId = await readable(root, () => readStoreId(files, root));
  if (storeId !== undefined) return storeId;
  throw new StoreOpenError(
    'not_readable',
    `${root} is no data folder: it has no ${join(STORE_FOLDER, 'format.json')}, which its trails are bound to; give the folder that is DATA_SESSIONS_PATH to the server, or a whole copy of it; where only the Python component has used it, start a server on it once`,
  );
}

/** @throws StoreOpenError */
async function readable<T>(root: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof StoreOpenError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StoreOpenError('not_readable', `The data folder ${root} cannot be read (${why})`, error);
  }
}
