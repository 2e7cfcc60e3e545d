/**
 * What a power cut at a moment of a journal (recorded-disk.ts) may leave on the disk. Pure: nothing is read or written.
 *
 * What is assumed of the disk, besides that it keeps its word about syncs:
 * - A sector (512 or 4096 bytes) is written whole or not at all. What was durable in it before stays when it is not.
 * - A sync of a file makes durable what was written to it, and its length, before the sync began; of a folder: the
 *   entries that were made, renamed and removed in it before the sync began. Neither says anything of the other.
 * - A rename within one folder is atomic. The store makes no other.
 * - A sector that was not written reads as zeros where the file grew over it; never as what another file left there.
 *
 * Everything else that was not synced may be there or not, each change by itself: sectors in any order, a length
 * between the old and the new one, and any subset of a folder's changes. POSIX allows that. Journalling file systems keep
 * the order of changes in a folder, which is one of these subsets. What had begun and not ended may have happened.
 */

import type { Entry, Operation } from './recorded-disk.js';

/** Decides what is on the disk of that which nobody synced. */
export interface Outcome {
  readonly sectorSize: number;
  /** Whether one change of a folder, or of a length, is there. */
  hasChange(): boolean;
  /** Whether one sector of a write is there. */
  hasSector(): boolean;
  /** How long a file is: at least `least`; its sectors reach to `reached`; with all that was written, `written`. */
  length(least: number, reached: number, written: number): number;
}

/** Paths with their content; `null` for a folder. A folder stands before what is in it. */
export type Tree = ReadonlyMap<string, Buffer | null>;

type Entries = readonly (readonly [name: string, node: Node | undefined])[];
type FileChange = { readonly position: number; readonly bytes: Buffer } | { readonly length: number };

class Changing<Content, Change> {
  readonly #changes: { readonly change: Change; readonly at: number }[] = [];

  constructor(
    private readonly apply: (content: Content, change: Change) => Content,
    public durable: Content,
  ) {}

  /** What nobody synced yet. */
  get pending(): readonly Change[] {
    return this.#changes.map(({ change }) => change);
  }

  /** As running processes see it. */
  get live(): Content {
    return this.pending.reduce(this.apply, this.durable);
  }

  add(change: Change, at: number): void {
    this.#changes.push({ change, at });
  }

  sync(begunAt: number): void {
    const covered = this.#changes.filter(({ at }) => at < begunAt);
    this.durable = covered.reduce((content, { change }) => this.apply(content, change), this.durable);
    this.#changes.splice(0, this.#changes.length, ...this.#changes.filter(({ at }) => at >= begunAt));
  }
}

class Folder extends Changing<ReadonlyMap<string, Node>, Entries> {
  constructor() {
    super(withEntries, new Map());
  }
}

class File extends Changing<Buffer, FileChange> {
  constructor() {
    super(withChange, Buffer.alloc(0));
  }
}

type Node = Folder | File;
type Effect =
  | { readonly folder: Folder; readonly change: Entries }
  | { readonly file: File; readonly change: FileChange };

export class DiskModel {
  readonly #root = new Folder();
  readonly #underWay = new Map<Operation, number>();
  #now = 0;

  /** Takes the next entry of the journal. */
  take(entry: Entry<unknown>): void {
    this.#now++;
    if (entry.kind === 'fact') return;
    const { operation } = entry;
    if (entry.kind === 'begun') {
      this.#underWay.set(operation, this.#now);
      return;
    }
    const begunAt = this.#underWay.get(operation) as number;
    this.#underWay.delete(operation);
    if (entry.kind === 'dropped') return;
    if (operation.call === 'sync') this.#node(operation.path).sync(begunAt);
    for (const effect of this.#effectsOf(operation)) {
      if ('folder' in effect) effect.folder.add(effect.change, this.#now);
      else effect.file.add(effect.change, this.#now);
    }
  }

  /** What is on the disk when the power is cut now. */
  after(outcome: Outcome): Tree {
    const underWay = [...this.#underWay.keys()].flatMap((operation) => this.#effectsOf(operation));
    const tree = new Map<string, Buffer | null>();
    const walk = (path: string, node: Node) => {
      if (node instanceof File) {
        const begun = underWay.flatMap((effect) =>
          'file' in effect && effect.file === node ? [effect.change] : [],
        );
        tree.set(path, contentAfter(node.durable, [...node.pending, ...begun], outcome));
        return;
      }
      if (path !== '') tree.set(path, null);
      const begun = underWay.flatMap((effect) =>
        'folder' in effect && effect.folder === node ? [effect.change] : [],
      );
      const there = [...node.pending, ...begun].filter(() => outcome.hasChange());
      const entries = there.reduce(withEntries, node.durable);
      for (const [name, child] of entries) walk(path === '' ? name : `${path}/${name}`, child);
    };
    walk('', this.#root);
    return tree;
  }

  #effectsOf(operation: Operation): Effect[] {
    const { path } = operation;
    if (operation.call === 'sync') return [];
    if (operation.call === 'write' || operation.call === 'truncate') {
      const file = this.#node(path);
      if (!(file instanceof File)) throw new Error(`${path} is no file`);
      return [{ file, change: operation }];
    }
    const [folder, name] = this.#place(path);
    if (operation.call === 'mkdir') return [{ folder, change: [[name, new Folder()]] }];
    if (operation.call === 'create') return [{ folder, change: [[name, new File()]] }];
    if (operation.call === 'remove') return this.#removal(folder, name);
    const [target, newName] = this.#place(operation.to);
    if (target !== folder)
      throw new Error(`${path} is renamed into another folder: this model knows no such rename`);
    return [
      {
        folder,
        change: [
          [name, undefined],
          [newName, this.#node(path)],
        ],
      },
    ];
  }

  /** A tree goes from its leaves on, one entry at a time. */
  #removal(folder: Folder, name: string): Effect[] {
    const node = folder.live.get(name);
    const within =
      node instanceof Folder ? [...node.live.keys()].flatMap((child) => this.#removal(node, child)) : [];
    return [...within, { folder, change: [[name, undefined]] }];
  }

  #place(path: string): [Folder, string] {
    const end = path.lastIndexOf('/');
    const folder = end < 0 ? this.#root : this.#node(path.slice(0, end));
    if (!(folder instanceof Folder)) throw new Error(`${path} lies in no folder`);
    return [folder, path.slice(end + 1)];
  }

  #node(path: string): Node {
    if (path === '') return this.#root;
    const [folder, name] = this.#place(path);
    const node = folder.live.get(name);
    if (!node) throw new Error(`the journal has no ${path}`);
    return node;
  }
}

function withEntries(entries: ReadonlyMap<string, Node>, change: Entries): ReadonlyMap<string, Node> {
  const changed = new Map(entries);
  for (const [name, node] of change) {
    if (node) changed.set(name, node);
    else changed.delete(name);
  }
  return changed;
}

function withChange(content: Buffer, change: FileChange): Buffer {
  return 'length' in change
    ? withLength(content, change.length)
    : withBytes(content, change.position, change.bytes);
}

function withBytes(content: Buffer, position: number, bytes: Buffer): Buffer {
  const changed = withLength(content, Math.max(content.length, position + bytes.length));
  bytes.copy(changed, position);
  return changed;
}

/** A copy that is cut, or filled with zeros. */
function withLength(content: Buffer, length: number): Buffer {
  const changed = Buffer.alloc(length);
  content.copy(changed);
  return changed;
}

function contentAfter(durable: Buffer, changes: readonly FileChange[], outcome: Outcome): Buffer {
  if (changes.length === 0) return durable;
  let content = durable;
  let written = durable.length;
  let least = durable.length;
  for (const change of changes) {
    if ('length' in change) {
      if (outcome.hasChange()) content = withLength(content, change.length);
      written = change.length;
      least = Math.min(least, change.length);
      continue;
    }
    written = Math.max(written, change.position + change.bytes.length);
    for (const [position, bytes] of sectorsOf(change, outcome.sectorSize))
      if (outcome.hasSector()) content = withBytes(content, position, bytes);
  }
  return withLength(content, outcome.length(least, content.length, written));
}

/** A write as the sectors that it touches. */
function sectorsOf(write: { position: number; bytes: Buffer }, size: number): [number, Buffer][] {
  const sectors: [number, Buffer][] = [];
  const end = write.position + write.bytes.length;
  for (let from = write.position; from < end; ) {
    const to = Math.min(end, from - (from % size) + size);
    sectors.push([from, write.bytes.subarray(from - write.position, to - write.position)]);
    from = to;
  }
  return sectors;
}
