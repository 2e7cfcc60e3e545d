/**
 * A file system for the store that journals every call which changes the disk, so that a model can say what a power
 * cut at any moment leaves (disk-model.ts). It stands over real files. Every call takes a few turns of the event loop,
 * drawn from a seed, before and after it is done: so a seed is an interleaving of concurrent commands, and comes again.
 */

import * as fs from 'node:fs';
import { relative } from 'node:path';
import type { FileSystem, OpenFile } from '../../src/session/store/file/durable-file.js';
import type { Random } from '../random.js';
import { longAgo } from './long-ago.js';

/** One change of the disk, or a sync. Paths are relative to the recorded folder. */
export type Operation =
  | { readonly call: 'mkdir'; readonly path: string }
  | { readonly call: 'create'; readonly path: string }
  | { readonly call: 'remove'; readonly path: string }
  | { readonly call: 'sync'; readonly path: string }
  | { readonly call: 'write'; readonly path: string; readonly position: number; readonly bytes: Buffer }
  | { readonly call: 'truncate'; readonly path: string; readonly length: number }
  | { readonly call: 'rename'; readonly path: string; readonly to: string };

/** An operation that has begun and has no other entry yet may have happened or not. `dropped`: its process was killed first. */
export type Entry<Fact> =
  | { readonly kind: 'begun' | 'done' | 'dropped'; readonly operation: Operation }
  | { readonly kind: 'fact'; readonly fact: Fact };

/** A write takes no more bytes than this in one call, so that longer ones come in parts. */
const MAX_WRITE = 6_000;
const NEVER = new Promise<never>(() => undefined);

interface Process {
  killed: boolean;
  readonly descriptors: Set<number>;
  readonly underWay: Set<Operation>;
  hasDone?: ((operation: Operation) => void) | undefined;
}

export class RecordedDisk<Fact> {
  readonly journal: Entry<Fact>[] = [];
  /** A disk that says that it synced and did not: for these paths nothing is synced, and nothing journalled. */
  forgetsSync: (path: string) => boolean = () => false;
  /** What its users are about, as they say: for `forgetsSync`. */
  stage = '';
  #calls = 0;

  constructor(
    private readonly root: string,
    private readonly draw: Random,
    /** Most turns of the event loop that a call waits. */
    private readonly mostTurns = 3,
  ) {}

  /** What became known at this moment: that a command was acknowledged, for one. */
  note(fact: Fact): void {
    this.journal.push({ kind: 'fact', fact });
  }

  /** All that became known so far. */
  facts(): Fact[] {
    return this.journal.flatMap((entry) => (entry.kind === 'fact' ? [entry.fact] : []));
  }

  /** The last change of the disk that was done under this path. */
  lastChangeIn(path: string): Operation | undefined {
    const changes = this.journal.flatMap((entry) => (entry.kind === 'done' ? [entry.operation] : []));
    return changes.findLast(
      (operation) => operation.call !== 'sync' && operation.path.startsWith(`${path}/`),
    );
  }

  /** Resolves when no call is under way. */
  async isIdle(): Promise<void> {
    do await turn();
    while (this.#calls > 0);
  }

  /** The file system as one process sees it, and a way to kill that process at the very moment an operation is done. */
  startProcess(): {
    readonly files: FileSystem;
    killWhen(isTheMoment: (done: Operation) => boolean): Promise<void>;
  } {
    const process: Process = { killed: false, descriptors: new Set(), underWay: new Set() };
    const killWhen = (isTheMoment: (done: Operation) => boolean) =>
      new Promise<void>((resolve) => {
        process.hasDone = (operation) => {
          if (!isTheMoment(operation)) return;
          process.hasDone = undefined;
          this.#kill(process);
          resolve();
        };
      });
    return { files: this.#filesOf(process), killWhen };
  }

  #kill(process: Process): void {
    process.killed = true;
    for (const operation of process.underWay) this.journal.push({ kind: 'dropped', operation });
    for (const descriptor of process.descriptors) fs.closeSync(descriptor);
  }

  #filesOf(process: Process): FileSystem {
    const change = <T>(operation: Operation, perform: () => T) => this.#change(process, operation, perform);
    const look = <T>(perform: () => T) => this.#look(process, perform);
    const path = (absolute: string) => relative(this.root, absolute);
    const open = async (file: string, flags: string | number = 'r') => {
      const perform = () => fs.openSync(file, flags);
      const makes = flags === 'wx' || (typeof flags === 'number' && !fs.existsSync(file));
      const descriptor = await (makes
        ? change({ call: 'create', path: path(file) }, perform)
        : look(perform));
      process.descriptors.add(descriptor);
      return this.#handle(process, path(file), descriptor);
    };
    const writeFile = async (file: string, content: string) => {
      const handle = await open(file, 'wx');
      for (let bytes = Buffer.from(content), at = 0; at < bytes.length; )
        at += (await handle.write(bytes, at, bytes.length - at, at)).bytesWritten;
      await handle.close();
    };
    const files = {
      open,
      writeFile,
      mkdir: (folder: string) => change({ call: 'mkdir', path: path(folder) }, () => fs.mkdirSync(folder)),
      rename: (from: string, to: string) =>
        change({ call: 'rename', path: path(from), to: path(to) }, () => fs.renameSync(from, to)),
      rm: (gone: string, options: fs.RmOptions) =>
        fs.existsSync(gone)
          ? change({ call: 'remove', path: path(gone) }, () => fs.rmSync(gone, options))
          : look(() => undefined),
      readdir: (folder: string, options: { withFileTypes: true }) =>
        look(() => fs.readdirSync(folder, options)),
      opendir: (folder: string) => look(() => fs.readdirSync(folder, { withFileTypes: true })),
      readFile: (file: string, encoding?: 'utf8') => look(() => fs.readFileSync(file, encoding)),
      stat: (file: string) => look(() => longAgo(fs.statSync(file))),
      statfs: (folder: string) => look(() => fs.statfsSync(folder)),
    };
    return files as unknown as FileSystem;
  }

  /** What the store uses of an open file. */
  #handle(process: Process, path: string, fd: number): OpenFile {
    const change = <T>(operation: Operation, perform: () => T) => this.#change(process, operation, perform);
    const look = <T>(perform: () => T) => this.#look(process, perform);
    const sync = () => {
      const perform = () => fs.fsyncSync(fd);
      return this.forgetsSync(path) ? look(perform) : change({ call: 'sync', path }, perform);
    };
    const handle = {
      fd,
      write: (content: Uint8Array, from: number, length: number, position: number) => {
        const bytes = Buffer.from(content.subarray(from, from + Math.min(length, MAX_WRITE)));
        const perform = () => ({ bytesWritten: fs.writeSync(fd, bytes, 0, bytes.length, position) });
        return change({ call: 'write', path, position, bytes }, perform);
      },
      truncate: (length: number) =>
        change({ call: 'truncate', path, length }, () => fs.ftruncateSync(fd, length)),
      stat: () => look(() => fs.fstatSync(fd)),
      sync,
      datasync: sync,
      close: () =>
        look(() => {
          process.descriptors.delete(fd);
          fs.closeSync(fd);
        }),
    };
    return handle as unknown as OpenFile;
  }

  async #change<T>(process: Process, operation: Operation, perform: () => T): Promise<T> {
    if (process.killed) return NEVER;
    const begun: Entry<Fact> = { kind: 'begun', operation };
    this.journal.push(begun);
    process.underWay.add(operation);
    return this.#look(process, () => {
      process.underWay.delete(operation);
      try {
        const result = perform();
        this.journal.push({ kind: 'done', operation });
        process.hasDone?.(operation);
        return result;
      } catch (error) {
        // The system refused it: it can never have happened.
        this.journal.splice(this.journal.indexOf(begun), 1);
        throw error;
      }
    });
  }

  /** A killed process learns nothing any more: its calls never end. */
  async #look<T>(process: Process, perform: () => T): Promise<T> {
    this.#calls++;
    try {
      await this.#turns();
      const result = process.killed ? undefined : perform();
      await this.#turns();
      if (!process.killed) return result as T;
    } finally {
      this.#calls--;
    }
    return NEVER;
  }

  async #turns(): Promise<void> {
    for (let left = this.draw.below(this.mostTurns + 1); left > 0; left--) await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
