/**
 * A data folder that another store is copied into. Sessions are made as FileStore makes them: durable, each all there or not at
 * all. A mark keeps everybody else away until the copy is finished. The index is made when the folder is opened first.
 */

import { join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { printable, StoreOpenError } from '../../domain/errors.js';
import { isLegacyId } from '../../domain/session-id.js';
import { TORN_COPY } from '../../domain/verification.js';
import {
  type Begun,
  type Copy,
  type CopyTarget,
  isTooMuch,
  NotCopyableError,
  type WholeSession,
} from '../session-copy.js';
import { readCopyMark, removeCopyMark, writeCopyMark } from './copy-mark.js';
import { type FileSystem, SharedSyncs } from './durable-file.js';
import { indexPath } from './index/index-schema.js';
import { SessionIndex } from './index/session-index.js';
import { isFolder, readLogFile } from './session-files.js';
import { type FolderEntry, SessionFolders, TEMPORARY_PREFIX } from './session-folders.js';
import { SessionLoader } from './session-loader.js';
import { SessionWriter } from './session-writer.js';
import { openStoreFolder, type StoreFolder } from './store-folder.js';
import { ifAbsent, putStoreId, STORE_FOLDER } from './store-format.js';
import { systemFiles } from './system-files.js';
import { settleDays } from './unclean-stop.js';

export interface FolderTargetOptions {
  /** The data folder; made when missing. */
  readonly path: string;
  readonly allowNetworkFilesystem?: boolean;
  readonly warn?: (message: string, cause: unknown) => void;
  /** The file system; for tests. */
  readonly files?: FileSystem;
}

/** How many sessions are made, or read, side by side. */
const SIDE_BY_SIDE = 64;
/** How many ids are told at once. */
const IDS = 1_000;

export class FolderTarget implements CopyTarget {
  readonly #limit = pLimit(SIDE_BY_SIDE);
  readonly #syncs: SharedSyncs;
  readonly #loader: SessionLoader;
  #writer: SessionWriter | undefined;
  /** Whether there is nothing that the next one who opens the folder has to look after. */
  #isClean: boolean;

  private constructor(
    private readonly files: FileSystem,
    private readonly folders: SessionFolders,
    private readonly holding: StoreFolder,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {
    this.#syncs = new SharedSyncs(files);
    this.#isClean = holding.lastStop === 'clean';
    // It only looks where sessions lie.
    this.#loader = new SessionLoader(files, folders, { storeId: holding.storeId, legacyTimeZone: 'UTC' });
  }

  /** Takes the folder's lock. @throws StoreOpenError whose message is one line that says what to do */
  static async open(options: FolderTargetOptions): Promise<FolderTarget> {
    const { files = systemFiles, allowNetworkFilesystem = false, warn = () => undefined } = options;
    const folders = new SessionFolders(files, options.path);
    const root = resolve(options.path);
    // Looked at before anything is touched: the folder of somebody else's sessions stays as it is.
    if (!(await readCopyMark(files, root))) await refuseContent(files, folders);
    const forgetIndex = () => SessionIndex.delete(indexPath(root));
    const holding = await openStoreFolder(files, root, { allowNetworkFilesystem, forgetIndex, asCopy: true });
    return new FolderTarget(files, folders, holding, warn);
  }

  async begin(storeId: string): Promise<Begun> {
    const { files, folders } = this;
    const { root } = folders;
    const found = await readCopyMark(files, root);
    if (!found) await refuseContent(files, folders);
    else if (found.storeId !== storeId) throw ofAnother(root, found.storeId);
    const mark = found ?? { storeId, since: new Date() };
    this.#isClean = false;
    if (found) await this.#takeUp();
    else await writeCopyMark(files, root, mark);
    // After the mark: until the copy is finished nobody opens what has another id than its sessions.
    await putStoreId(files, root, storeId);
    SessionIndex.delete(indexPath(root));
    this.#writer = new SessionWriter(files, folders, this.#syncs, this.#loader, storeId, this.warn);
    return { since: mark.since, goesOn: found !== undefined };
  }

  async count(): Promise<number> {
    let count = 0;
    for await (const ids of this.ids()) count += ids.length;
    return count;
  }

  async *ids(): AsyncIterable<readonly string[]> {
    let ids: string[] = [];
    for await (const { id } of this.folders.walk()) {
      if (ids.push(id) < IDS) continue;
      yield ids;
      ids = [];
    }
    yield ids;
  }

  async missing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const missing = new Set<string>();
    for (const id of ids) if (!(await this.#find(id))) missing.add(id);
    return missing;
  }

  async put(sessions: readonly WholeSession[]): Promise<void> {
    await this.#each(sessions, async (whole) => {
      for (const name of whole.tails.keys())
        if (!TORN_COPY.test(name)) throw new RangeError(`not the name of a file: ${name}`);
      await this.#writerOnceBegun.place(this.#placeOf(whole), whole).catch(refuseTooMuch);
    });
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, Copy>> {
    const copies = new Map<string, Copy>();
    await this.#each(ids, async (id) => {
      const entry = await this.#find(id);
      const copy = entry && (await this.#read(entry));
      if (copy) copies.set(id, copy);
    });
    return copies;
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const entry = await this.#find(id);
      if (entry) await this.#writerOnceBegun.remove(entry);
    }
  }

  async finish(): Promise<void> {
    await removeCopyMark(this.files, this.folders.root);
    this.#isClean = !this.#writerOnceBegun.hasLeftOvers;
  }

  async close(): Promise<void> {
    await this.holding.release(this.#isClean);
  }

  get #writerOnceBegun(): SessionWriter {
    if (!this.#writer) throw new Error('the copy was not begun');
    return this.#writer;
  }

  /** What a copy that was stopped left: what is in its place is made durable, what is half made goes. */
  async #takeUp(): Promise<void> {
    const { files, folders } = this;
    await settleDays({ files, folders, syncs: this.#syncs });
    for (const day of await folders.days()) {
      for await (const name of folders.namesIn(day)) {
        if (name.startsWith(TEMPORARY_PREFIX))
          await files.rm(join(folders.root, day, name), { recursive: true, force: true });
      }
    }
  }

  async #find(id: string): Promise<FolderEntry | undefined> {
    const computed = this.folders.computed(id);
    if (!computed) return this.#loader.find(id);
    return (await isFolder(this.files, this.folders.path(computed))) ? computed : undefined;
  }

  /** Where its id says; where that says nothing, under its day of creation. */
  #placeOf({ session }: WholeSession): FolderEntry {
    const { id, createdAt } = session;
    if (!isLegacyId(id)) throw new RangeError(`not a session id: ${id}`);
    return this.folders.computed(id) ?? { id, day: dayOf(createdAt) };
  }

  async #read(entry: FolderEntry): Promise<Copy | undefined> {
    const folder = this.folders.path(entry);
    const log = await readLogFile(this.files, entry.id, folder);
    if (!log) return undefined;
    const tails = new Map<string, Buffer>();
    for (const { name } of await this.files.readdir(folder, { withFileTypes: true })) {
      const tail = TORN_COPY.test(name) ? await readLogFile(this.files, entry.id, folder, name) : undefined;
      if (tail) tails.set(name, tail.bytes);
    }
    return { log: log.bytes, tails };
  }

  /** All are waited for, also where one fails: nothing is written after that. */
  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const outcomes = await Promise.allSettled(items.map((item) => this.#limit(() => work(item))));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Years of more than four digits, which no day folder has, are put to the next one that it has. */
function dayOf(createdAt: string): string {
  if (createdAt.startsWith('+')) return '9999-12-31';
  return createdAt.startsWith('-') ? '0000-01-01' : createdAt.slice(0, '2024-01-15'.length);
}

/** @throws NotCopyableError */
function refuseTooMuch(error: Error): never {
  const cause = error.cause ?? error;
  throw isTooMuch(cause) ? new NotCopyableError(cause.message, { cause: error }) : error;
}

/** @throws StoreOpenError */
async function refuseContent(files: FileSystem, folders: SessionFolders): Promise<void> {
  // What is no folder is told of when it is opened.
  if (!(await files.stat(folders.root).catch(ifAbsent))?.isDirectory()) return;
  const others = (await files.readdir(folders.root, { withFileTypes: true }))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('.') && name !== STORE_FOLDER);
  for await (const { id } of folders.walk((path) => others.push(path)))
    throw new StoreOpenError(
      'not_empty',
      `The data folder ${folders.root} holds sessions (${id}, for one): a store is copied into an empty folder, or one that is not there yet`,
    );
  const [other] = others.filter((path) => !OF_THE_DISK.has(path));
  if (other !== undefined)
    throw new StoreOpenError(
      'not_empty',
      `The data folder ${folders.root} holds other things (${printable(other)}, for one): a store is copied into an empty folder, or one that is not there yet`,
    );
}

/** What a disk of its own has at its root. */
const OF_THE_DISK: ReadonlySet<string> = new Set(['lost+found']);

function ofAnother(root: string, storeId: string): StoreOpenError {
  return new StoreOpenError(
    'half_copied',
    `A copy of another store (${printable(storeId)}) into the data folder ${root} is not finished: go on with that one, or delete the folder`,
  );
}
