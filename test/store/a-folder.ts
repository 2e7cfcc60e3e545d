/** Data folders for tests of the file store: made, looked into, damaged and taken away again. */

import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import { type Decision, readLog, sealEvents } from '../../src/session/domain/event-log.js';
import type { SessionEvent } from '../../src/session/domain/session-event.js';
import { FileStore, type FileStoreOptions } from '../../src/session/store/file/file-store.js';
import { IndexDatabase } from '../../src/session/store/file/index/index-database.js';

/** The folder of a test, and the stores that it opened; all gone when the test has ended. */
export class DataFolder {
  readonly warnings: string[] = [];
  readonly #open: FileStore[] = [];

  private constructor(readonly path: string) {}

  static async make(): Promise<DataFolder> {
    return new DataFolder(await mkdtemp(join(tmpdir(), 'sessions-')));
  }

  get openStores(): readonly FileStore[] {
    return this.#open;
  }

  async open(options: Partial<FileStoreOptions> = {}): Promise<FileStore> {
    const warn = (message: string) => this.warnings.push(message);
    const store = await FileStore.open({ path: this.path, warn, ...options });
    this.#open.push(store);
    return store;
  }

  /** A store that holds the folder as it stands after a kill: nobody closed it, so the lock has its note. */
  async openAfterKill(options: Partial<FileStoreOptions> = {}): Promise<FileStore> {
    await this.closeAll();
    await this.write('.store/lock', '{"pid":1,"host":"gone","since":"2024-01-01T00:00:00.000Z"}\n');
    return this.open(options);
  }

  /**
   * As `openAfterKill`, when the system and the file are still the same: the index is relied on. `left`: the sessions
   * that had a write under way.
   */
  async openAfterKillOfOurs(
    left: readonly string[] = [],
    options: Partial<FileStoreOptions> = {},
  ): Promise<FileStore> {
    await this.closeAll();
    const { database } = IndexDatabase.openKept(this.file('.store', 'index.db'), await this.storeId())!;
    database.enter(left);
    database.abandon();
    await this.write('.store/lock', await this.noteOfThisSystem());
    return this.open(options);
  }

  /** The note in the lock file of a process of this system that is no more. */
  async noteOfThisSystem(): Promise<string> {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const { dev: device, ino: inode } = await stat(this.file('.store', 'lock'));
    return `${JSON.stringify({ pid: 1, host: 'gone', since: '', boot: boot.trim(), device, inode })}\n`;
  }

  async storeId(): Promise<string> {
    return JSON.parse(await this.read('.store', 'format.json')).store_id;
  }

  /** The stores that were opened are no longer this folder's to close. */
  forget(): void {
    this.#open.length = 0;
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((store) => store.close()));
  }

  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  read(...names: string[]): Promise<string> {
    return readFile(this.file(...names), 'utf8');
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(this.file(name)), { recursive: true });
    await writeFile(this.file(name), content);
  }

  /** Events added to a log as a store would have added them, without a store; the log's bytes after that. */
  async extendLog(day: string, id: string, decision: Decision): Promise<Buffer> {
    const storeId = await this.storeId();
    const before = await readFile(this.file(day, id, 'events.jsonl'));
    const last = readLog(before, storeId, id).events.at(-1) as SessionEvent;
    const position = { sid: id, revision: last.seq + 1, head: last.hash, updatedAt: last.at };
    const after = Buffer.concat([before, sealEvents(position, decision).lines]);
    await writeFile(this.file(day, id, 'events.jsonl'), after);
    return after;
  }

  async destroy(): Promise<void> {
    await this.closeAll();
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A fresh folder for each test of a file, taken away after it. */
export function dataFolders(): () => Promise<DataFolder> {
  const made: DataFolder[] = [];
  afterEach(() => Promise.all(made.splice(0).map((folder) => folder.destroy())));
  return async () => {
    const folder = await DataFolder.make();
    made.push(folder);
    return folder;
  };
}
