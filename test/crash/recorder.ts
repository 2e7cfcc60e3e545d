/**
 * What the clients of all rounds did and saw. Commands stand in files too, one for each client, synced line by line
 * before the client goes on: in the end what was acknowledged is taken from there, and not from this process's memory.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Clock, type Operation, type Outcome, type Read, type Write } from '../history/history.js';

/** Append, and each write is on the disk when it returns. */
const SYNCED = 'as';

export class Recorder {
  readonly clock = new Clock();
  /** Sessions whose making was acknowledged, in that order. */
  readonly sessions: string[] = [];
  /** Answers that no server gives that works; a sentence each. */
  readonly faults: string[] = [];
  readonly counts: { [O in Outcome | 'reads']: number } = { ok: 0, not_applied: 0, unknown: 0, reads: 0 };
  readonly #bySession = new Map<string, Operation[]>();
  /** Whose session is not known. */
  readonly #unplaced: Write[] = [];
  readonly #touched = new Set<string>();
  readonly #files = new Map<string, Promise<FileHandle>>();
  #watcher = { count: 0, reached: () => {} };

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** Calls `reached` when so many commands more were acknowledged. */
  whenAcknowledged(more: number, reached: () => void): void {
    this.#watcher = { count: this.counts.ok + more, reached };
  }

  /** A command's end, on the disk when this resolves. */
  async write(write: Write): Promise<void> {
    const file = this.#files.get(write.client) ?? open(join(this.folder, `${write.client}.jsonl`), SYNCED);
    this.#files.set(write.client, file);
    await (await file).appendFile(`${JSON.stringify(write)}\n`);
    if (write.session === undefined) this.#unplaced.push(write);
    else this.#add(write.session, write);
    if (write.kind === 'create' && write.session !== undefined) this.sessions.push(write.session);
    this.counts[write.outcome] += 1;
    if (write.outcome === 'ok' && this.counts.ok === this.#watcher.count) this.#watcher.reached();
  }

  read(read: Read): void {
    this.#add(read.session, read);
    this.counts.reads += 1;
  }

  #add(session: string, operation: Operation): void {
    this.#touched.add(session);
    const list = this.#bySession.get(session);
    if (list) list.push(operation);
    else this.#bySession.set(session, [operation]);
  }

  /** Whether a session is one that somebody here knows of. */
  knows(session: string): boolean {
    return this.#bySession.has(session);
  }

  /** Sessions that were used since this was asked last. */
  takeTouched(): string[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** All that ever happened to these sessions, and what may have happened to one of them. */
  operationsOf(sessions: Iterable<string>): Operation[] {
    return [...this.#unplaced, ...[...sessions].flatMap((session) => this.#bySession.get(session) ?? [])];
  }

  /** All reads, and the commands as the files have them. */
  allOperations(): Operation[] {
    const lines = readdirSync(this.folder).flatMap((name) =>
      readFileSync(join(this.folder, name), 'utf8').split('\n').filter(Boolean),
    );
    const reads = [...this.#bySession.values()].flat().filter(({ kind }) => kind === 'read');
    return [...lines.map((line) => JSON.parse(line) as Write), ...reads];
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file).close();
  }
}
