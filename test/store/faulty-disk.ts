/**
 * A disk of which any one call can be made to fail, once or from then on: what test/store/every-fault.test.ts puts
 * under the store. It is the real file system, called synchronously: so a script makes the same calls in the same order
 * each time, and a thousand runs take seconds. A call that the store makes for the first time tomorrow is counted and
 * failed like any other, since nothing here lists the calls.
 */

import * as fs from 'node:fs';
import type { FileSystem, OpenFile } from '../../src/session/store/file/durable-file.js';
import { longAgo } from './long-ago.js';

interface Call {
  /** As the file system calls it: `rename`, `datasync` … */
  readonly name: string;
  readonly path: string;
  readonly args: readonly unknown[];
  make(...args: readonly unknown[]): unknown;
}

/** A way to fail: which calls it can befall, and what it makes of one. */
interface Misfortune {
  befalls(name: string): boolean;
  strike(call: Call, disk: FaultyDisk): unknown;
}

/** The call fails and does nothing; but that close(2) frees the descriptor whatever it reports. */
const fails = (code: string): Misfortune => ({
  befalls: () => true,
  strike: (call) => {
    if (call.name === 'close') call.make();
    throw failure(code, call);
  },
});

const failure = (code: string, { name, path }: Call) =>
  Object.assign(new Error(`${code}: ${name} ${path}`), { code });

/** As many of the bytes that were to be written as `share` leaves. */
function writePart({ name, args, make }: Call, share: (length: number) => number): unknown {
  if (name === 'write') {
    const [bytes, from, length, position] = args as [Buffer, number, number, number];
    return make(bytes, from, share(length), position);
  }
  const [path, content, ...options] = args as [string, string];
  return make(path, content.slice(0, share(content.length)), ...options);
}

export const MISFORTUNES = {
  ENOSPC: fails('ENOSPC'),
  EIO: fails('EIO'),
  EMFILE: fails('EMFILE'),
  EACCES: fails('EACCES'),
  'a short write': {
    befalls: (name) => name === 'write',
    strike: (call) => writePart(call, (length) => Math.ceil(length / 2)),
  },
  'a short write, then ENOSPC': {
    befalls: (name) => name === 'write' || name === 'writeFile',
    strike: (call) => {
      writePart(call, (length) => Math.floor(length / 2));
      throw failure('ENOSPC', call);
    },
  },
  'EIO, and what was not synced is gone': {
    befalls: (name) => name === 'datasync',
    strike: (call, disk) => {
      disk.loseUnsynced(call.path);
      throw failure('EIO', call);
    },
  },
} satisfies Readonly<Record<string, Misfortune>>;

export type MisfortuneName = keyof typeof MISFORTUNES;

export interface Fault {
  /** Number of the call that it strikes first, from 0. */
  readonly at: number;
  readonly misfortune: MisfortuneName;
  readonly lasting: 'once' | 'for ever';
}

/** Stands for what differs from run to run in the name of a call. */
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export class FaultyDisk {
  /** Every call that was counted, as `datasync 2024-01-15/…/events.jsonl`. */
  readonly calls: string[] = [];
  /** Every call that was struck, counted or not. */
  readonly struck: string[] = [];
  /** Paths of which a sync failed since the store was opened, and those that were synced again in spite of that. */
  readonly failedSyncs = new Set<string>();
  readonly retriedSyncs: string[] = [];
  /** How many files are open. */
  openFiles = 0;
  /** Whether calls are counted: those of the script are, those of who looks on are not. */
  counting = true;
  readonly files: FileSystem;
  /** Content of files before what was written to them since their last sync. */
  readonly #synced = new Map<string, Buffer>();
  #lifted = false;

  constructor(
    private readonly root: string,
    private readonly fault?: Fault,
  ) {
    this.files = anyName((name) => async (...args: unknown[]) => {
      const path = String(args[0]);
      if (name !== 'open') return this.#call({ name, path, args, make: systemCall(name) });
      const open = systemCall(name);
      const fd = this.#call({ name, path, args, make: open }) as number;
      this.openFiles += 1;
      return this.#handle(path, fd);
    }) as unknown as FileSystem;
  }

  /** Whether the fault strikes whatever is called now. */
  get failsNow(): boolean {
    const { fault } = this;
    return fault?.lasting === 'for ever' && !this.#lifted && this.calls.length > fault.at;
  }

  /** The fault is over. */
  lift(): void {
    this.#lifted = true;
  }

  /** A store was opened anew: it may sync what another one could not. */
  forgetSyncs(): void {
    this.failedSyncs.clear();
  }

  /** What a failed sync may do: the kernel drops the pages, and the file is what was synced last. */
  loseUnsynced(path: string): void {
    const before = this.#synced.get(path);
    if (before) fs.writeFileSync(path, before);
  }

  #handle(path: string, opened: number): OpenFile {
    let fd = opened;
    return anyName((name) => {
      if (name === 'fd') return fd;
      return async (...args: unknown[]) => {
        const make = (...given: readonly unknown[]) => {
          const result = systemCall(`f${name}`, name)(fd, ...given);
          if (name === 'close') {
            fd = -1;
            this.openFiles -= 1;
          }
          return name === 'write' ? { bytesWritten: result } : result;
        };
        return this.#call({ name, path, args, make });
      };
    }) as unknown as OpenFile;
  }

  #call(call: Call): unknown {
    const { name, path, args } = call;
    const number = this.counting ? this.calls.push(this.#described(call)) - 1 : undefined;
    // What the sync of the lock makes durable is a mark, which nobody is told of: it may be tried again.
    const isSync = /^(data)?sync$/.test(name) && !path.endsWith('/.store/lock');
    if (isSync && this.failedSyncs.has(path)) this.retriedSyncs.push(this.#described(call));
    if (this.#strikes(number, name)) {
      this.struck.push(this.#described(call));
      if (isSync) this.failedSyncs.add(path);
      const misfortune: Misfortune = MISFORTUNES[this.fault!.misfortune];
      return misfortune.strike(call, this);
    }
    if (name === 'write' && !this.#synced.has(path)) this.#synced.set(path, fs.readFileSync(path));
    if (name === 'datasync') this.#synced.delete(path);
    return call.make(...args);
  }

  #strikes(number: number | undefined, name: string): boolean {
    const { fault } = this;
    if (!fault || this.#lifted || !MISFORTUNES[fault.misfortune].befalls(name)) return false;
    return number === fault.at || this.failsNow;
  }

  #described({ name, args, path }: Call): string {
    const named = name === 'rename' ? args.slice(0, 2) : [path];
    return [name, ...named]
      .join(' ')
      .replaceAll(`${this.root}/`, '')
      .replaceAll(this.root, '.')
      .replace(UUID, 'UUID');
  }
}

/** The synchronous function of this name, or of the other. */
function systemCall(name: string, otherwise = name): (...args: readonly unknown[]) => unknown {
  const functions = fs as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const found = functions[`${name}Sync`] ?? functions[`${otherwise}Sync`];
  if (!found) throw new Error(`this disk has no ${name}`);
  return name === 'stat' ? (...args) => longAgo(found(...args) as fs.Stats) : found;
}

/** An object that has whatever it is asked for, and is no promise. */
function anyName(member: (name: string) => unknown): object {
  return new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : member(String(name))) });
}
