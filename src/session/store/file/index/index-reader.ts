/**
 * Asks the index in a thread of its own: a question over a million sessions may take seconds, in which nobody else may
 * have to wait. Without threads the same questions are answered at once.
 */

import { Worker } from 'node:worker_threads';
import type { ListQuery, SessionFilter } from '../../session-store.js';
import { type FoundPage, type FoundStats, IndexQueries } from './index-queries.js';

/** What is sent to the thread. */
export type Question =
  | { readonly number: number; readonly ask: 'list'; readonly about: ListQuery }
  | { readonly number: number; readonly ask: 'stats'; readonly about: SessionFilter }
  | { readonly ask: 'close' };

/** What comes back. */
export type Reply = { readonly number: number } & (
  | { readonly found: unknown }
  | { readonly failure: Failure }
);

export interface Failure {
  readonly message: string;
  readonly code: string | undefined;
}

interface Reader {
  list(query: ListQuery): Promise<FoundPage>;
  stats(filter: SessionFilter): Promise<FoundStats>;
  close(): Promise<void>;
}

/** Reads an index, which has to be there from the first question on. */
export class IndexReaders {
  #lists: Reader | undefined;
  #stats: Reader | undefined;

  constructor(
    private readonly path: string,
    private readonly threads: boolean,
  ) {}

  list(query: ListQuery): Promise<FoundPage> {
    this.#lists ??= this.#open();
    return this.#lists.list(query);
  }

  /** In another thread than lists: nobody waits for a page because somebody else counts everything. */
  stats(filter: SessionFilter): Promise<FoundStats> {
    this.#stats ??= this.#open();
    return this.#stats.stats(filter);
  }

  /** Lets go of the index; who asks again opens it again. */
  async close(): Promise<void> {
    const readers = [this.#lists, this.#stats];
    this.#lists = undefined;
    this.#stats = undefined;
    await Promise.all(readers.map((reader) => reader?.close()));
  }

  #open(): Reader {
    return this.threads ? new ThreadedReader(this.path) : directReader(this.path);
  }
}

function directReader(path: string): Reader {
  const queries = new IndexQueries(path);
  return {
    list: async (query) => queries.list(query),
    stats: async (filter) => queries.stats(filter),
    close: async () => queries.close(),
  };
}

interface Waiting {
  resolve(found: unknown): void;
  reject(error: Error): void;
}

class ThreadedReader implements Reader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #asked = 0;

  constructor(path: string) {
    this.#worker = new Worker(new URL('./index-reader.worker.js', import.meta.url), {
      workerData: path,
      execArgv: [],
    });
    this.#worker.on('message', (reply: Reply) => this.#take(reply));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(new Error('the thread that reads the index ended'));
        resolve();
      });
    });
    this.#worker.unref();
  }

  list(query: ListQuery): Promise<FoundPage> {
    return this.#ask({ number: this.#asked++, ask: 'list', about: query });
  }

  stats(filter: SessionFilter): Promise<FoundStats> {
    return this.#ask({ number: this.#asked++, ask: 'stats', about: filter });
  }

  async close(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage({ ask: 'close' } satisfies Question);
    await this.#ended;
  }

  #ask<T>(question: Exclude<Question, { ask: 'close' }>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(question.number, { resolve: resolve as Waiting['resolve'], reject });
      // The process stays as long as somebody waits for an answer, and no longer.
      this.#worker.ref();
      this.#worker.postMessage(question);
    });
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('found' in reply) waiting?.resolve(reply.found);
    else waiting?.reject(Object.assign(new Error(reply.failure.message), { code: reply.failure.code }));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
