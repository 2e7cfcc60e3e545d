/**
 * Copies all sessions of one store into another, whichever they are, and compares them then, one by one and byte by byte.
 * It can be stopped at any moment and taken up again: what is there is not copied twice, and nothing is believed before it
 * was compared.
 */

import {
  type Copy,
  type CopyProblem,
  type CopySource,
  type CopyTarget,
  NotCopyableError,
  notCopyable,
  type ReadSession,
  type SourceEntry,
  type WholeSession,
} from './session-copy.js';

/** Sessions that are read, put or compared at once: at most so many, and, but for one alone, so many bytes of logs. */
const BATCH = { sessions: 100, bytes: 4 * 1024 * 1024 };
/** How many batches are under way at once. */
const SIDE_BY_SIDE = 4;

export type CopyPhase = 'copied' | 'verified';

export interface CopyOptions {
  /** Whether to be content with a copy that lacks what is damaged at the source, and what cannot be copied. */
  readonly leaveDamaged: boolean;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal;
  readonly onBegin?: (begun: { readonly goesOn: boolean; readonly total: number }) => void;
  /** Told how many sessions were looked at in this phase. */
  readonly onProgress?: (phase: CopyPhase, done: number) => void;
  /** Told of each session at which something is wrong, once; one that is damaged is not copied. */
  readonly onProblems?: (id: string, problems: readonly CopyProblem[], isDamaged: boolean) => void;
}

export interface CopyOutcome {
  /** Whether the target is what the source is, and a store like any other now. */
  readonly finished: boolean;
  /** Sessions that are there by now. */
  readonly there: number;
  /** Sessions that are there and as they are at the source, and their events; 0 where it did not come to comparing them. */
  readonly sessions: number;
  readonly events: number;
  /** Of these, sessions of the Python component that got a log by it. */
  readonly imported: number;
  /** Put by this run, before anything was compared. */
  readonly copied: number;
  /** Put after that, since they were not the same when they were compared. */
  readonly copiedAgain: number;
  /** Sessions that are damaged at the source. */
  readonly damaged: number;
  /** Sessions that are not damaged, and that the target, or this program, cannot take. */
  readonly notCopyable: number;
  /** Sessions that were not the same on both sides when they were compared last: these were taken away at the target. */
  readonly changed: number;
  /** Whether somebody wrote to the source while they were compared. */
  readonly sourceInUse: boolean;
}

export async function copySessions<Entry extends SourceEntry>(
  source: CopySource<Entry>,
  target: CopyTarget,
  options: CopyOptions,
): Promise<CopyOutcome> {
  return new Copying(source, target, options).run();
}

class Copying<Entry extends SourceEntry> {
  readonly #told = new Set<string>();
  /** What the target cannot take. */
  readonly #refused = new Set<string>();
  #since = new Date(0);
  #copied = 0;
  #damaged = 0;
  #notCopyable = 0;
  #changed = 0;
  #sourceInUse = false;
  #same = { sessions: 0, events: 0, imported: 0 };

  constructor(
    private readonly source: CopySource<Entry>,
    private readonly target: CopyTarget,
    private readonly options: CopyOptions,
  ) {}

  async run(): Promise<CopyOutcome> {
    const total = await this.source.count();
    const { since, goesOn } = await this.target.begin(this.source.storeId);
    this.#since = since;
    this.options.onBegin?.({ goesOn, total });
    await this.#copyAndCompare();
    const copied = this.#copied;
    // Once more, where that was of before the comparing: the source was at rest meanwhile.
    if (this.#changed > 0 && this.#isSound()) await this.#copyAndCompare();
    const finished = this.#changed === 0 && this.#isSound();
    if (finished) await this.target.finish();
    return {
      finished,
      there: await this.target.count(),
      ...this.#same,
      copied,
      copiedAgain: this.#copied - copied,
      damaged: this.#damaged,
      notCopyable: this.#notCopyable,
      changed: this.#changed,
      sourceInUse: this.#sourceInUse,
    };
  }

  async #copyAndCompare(): Promise<void> {
    this.#changed = 0;
    this.#same = { sessions: 0, events: 0, imported: 0 };
    await this.#eachBatch('copied', (batch) => this.#copy(batch));
    if (this.#isSound()) await this.#compare();
  }

  /** Whether the source is one that can be copied: whole, or good enough, and at rest. */
  #isSound(): boolean {
    const left = this.options.leaveDamaged ? 0 : this.#damaged + this.#notCopyable;
    return left === 0 && !this.#sourceInUse;
  }

  async #copy(batch: readonly Entry[]): Promise<void> {
    const there = batch.filter((entry) => this.#canBeRead(entry));
    const missing = await this.target.missing(there.map(({ id }) => id));
    const read = await this.source.read(
      there.filter(({ id }) => missing.has(id)),
      this.#since,
    );
    for (const one of read) this.#tell(one);
    await this.#put(read.flatMap((one) => one.whole ?? []));
  }

  /** All at once; where one of them cannot be taken, one by one, so that no other is left out. */
  async #put(sessions: readonly WholeSession[]): Promise<void> {
    const ids = sessions.map(({ session }) => session.id);
    try {
      if (sessions.length > 0) await this.target.put(sessions);
      this.#copied += sessions.length;
      return;
    } catch (error) {
      if (!(error instanceof NotCopyableError)) throw error;
      if (sessions.length === 1) return this.#refuse(ids[0] as string, error.message);
    }
    const missing = await this.target.missing(ids);
    this.#copied += sessions.length - missing.size;
    for (const one of sessions) {
      this.options.signal?.throwIfAborted();
      if (missing.has(one.session.id)) await this.#put([one]);
    }
  }

  #refuse(id: string, why: string): void {
    this.#refused.add(id);
    this.#tell({ id, problems: [notCopyable(why)], imported: false });
  }

  /** Each session from both sides, and then that there are no others. */
  async #compare(): Promise<void> {
    const before = await this.source.stamp();
    let there = 0;
    await this.#eachBatch('verified', async (batch) => {
      there += await this.#compareBatch(batch.filter((entry) => this.#canBeRead(entry)));
    });
    if ((await this.target.count()) > there) await this.#removeOthers();
    this.#sourceInUse = (await this.source.stamp()) !== before;
  }

  /** How many of these are at the target when it is done. */
  async #compareBatch(batch: readonly Entry[]): Promise<number> {
    const read = await this.source.read(batch, this.#since);
    const found = new Map(await this.target.read(read.map(({ id }) => id)));
    // Every chain was checked when it was read from the source; the same bytes in a store of the same id verify there too.
    for (const one of read) {
      this.#tell(one);
      if (this.#refused.has(one.id)) continue;
      if (!one.whole) {
        // It was not when it was copied. What is there of it is compared with nothing, so it does not stay.
        if (this.options.leaveDamaged && found.delete(one.id)) await this.target.remove([one.id]);
        continue;
      }
      const copy = found.get(one.id);
      if (copy && isSame(one.whole, copy)) this.#countSame(one.whole, one.imported);
      else {
        this.#changed += 1;
        await this.target.remove([one.id]);
        found.delete(one.id);
      }
    }
    return found.size;
  }

  /** What was copied and is no longer at the source. */
  async #removeOthers(): Promise<void> {
    for await (const ids of this.target.ids()) {
      const others = [...(await this.source.missing(ids))];
      if (others.length === 0) continue;
      this.#changed += others.length;
      await this.target.remove(others);
    }
  }

  #countSame({ session }: WholeSession, imported: boolean): void {
    this.#same.sessions += 1;
    this.#same.events += session.revision;
    if (imported) this.#same.imported += 1;
  }

  #canBeRead({ id, problem }: Entry): boolean {
    // There may be a good one of this id elsewhere: each is told.
    if (problem) this.#tell({ id, problems: [problem], imported: false }, `${id} ${problem.kind}`);
    return !problem;
  }

  #tell({ id, problems, whole }: ReadSession, key = `${id} ${whole !== undefined}`): void {
    if (problems.length === 0 || this.#told.has(key)) return;
    this.#told.add(key);
    if (problems.some(({ kind }) => kind === 'not_copyable')) this.#notCopyable += 1;
    else if (!whole) this.#damaged += 1;
    this.options.onProblems?.(id, problems, !whole);
  }

  async #eachBatch(phase: CopyPhase, work: (batch: readonly Entry[]) => Promise<void>): Promise<void> {
    let done = 0;
    const batches = inBatches(this.source.entries());
    await sideBySide(batches, async (batch) => {
      this.options.signal?.throwIfAborted();
      await work(batch);
      done += batch.length;
      this.options.onProgress?.(phase, done);
    });
  }
}

function isSame(one: Copy, other: Copy): boolean {
  if (!one.log.equals(other.log) || one.tails.size !== other.tails.size) return false;
  return [...one.tails].every(([name, bytes]) => other.tails.get(name)?.equals(bytes));
}

async function* inBatches<Entry extends SourceEntry>(entries: AsyncIterable<Entry>): AsyncGenerator<Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for await (const entry of entries) {
    if (batch.length === BATCH.sessions || (batch.length > 0 && bytes + entry.bytes > BATCH.bytes)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += entry.bytes;
  }
  if (batch.length > 0) yield batch;
}

/** Several at a time. After the first failure no more are begun, and those under way are waited for. */
async function sideBySide<T>(items: AsyncGenerator<T>, work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const worker = async () => {
    try {
      for (;;) {
        const next = await items.next();
        if (next.done || failures.length > 0) return;
        await work(next.value);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  await items.return(undefined);
  if (failures.length > 0) throw failures[0];
}
