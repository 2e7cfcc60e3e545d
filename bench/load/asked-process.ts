/** A process of this program that is asked to do one thing after another, and answers each. Started when it is first asked. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export type Answer = { readonly result: unknown; readonly error?: undefined } | { readonly error: string };

export class AskedProcess<Job extends object, Result> {
  #process: ChildProcess | undefined;

  constructor(private readonly program: URL) {}

  async ask(job: Job): Promise<Result> {
    this.#process ??= fork(this.program, { execArgv: ['--enable-source-maps'] });
    const child = this.#process;
    const listening = new AbortController();
    const { signal } = listening;
    const answered = once(child, 'message', { signal }).then(([message]) => message as Answer);
    const ended = once(child, 'exit', { signal }).then(() => ({ error: `${this.program.pathname} ended` }));
    child.send(job);
    const answer = await Promise.race([answered, ended]).finally(() => listening.abort());
    // The one that did not happen is given up.
    await Promise.allSettled([answered, ended]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result as Result;
  }

  stop(): void {
    this.#process?.kill();
    this.#process = undefined;
  }
}

/** In such a process: how each job is done. */
export function answerJobs<Job>(work: (job: Job) => Promise<unknown>): void {
  const answer = (message: Answer) => void process.send?.(message);
  process.on('message', (job: Job) => {
    work(job).then(
      (result) => answer({ result }),
      (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
    );
  });
}
