/** The load process as the benchmark sees it: jobs go there, results come back, one at a time. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Job, JobAnswer, Latencies, LatencyJob, Rate, RateJob } from './job.js';

export class Load {
  #process: ChildProcess | undefined;

  rate(job: Omit<RateJob, 'kind'>): Promise<Rate> {
    return this.#ask({ kind: 'rate', ...job }) as Promise<Rate>;
  }

  latency(job: Omit<LatencyJob, 'kind'>): Promise<Latencies> {
    return this.#ask({ kind: 'latency', ...job }) as Promise<Latencies>;
  }

  stop(): void {
    this.#process?.kill();
    this.#process = undefined;
  }

  async #ask(job: Job): Promise<Rate | Latencies> {
    this.#process ??= fork(new URL('./main.js', import.meta.url), { execArgv: ['--enable-source-maps'] });
    const child = this.#process;
    const listening = new AbortController();
    const { signal } = listening;
    const answered = once(child, 'message', { signal }).then(([message]) => message as JobAnswer);
    const ended = once(child, 'exit', { signal }).then(() => ({ error: 'the load process ended' }));
    child.send(job);
    const answer = await Promise.race([answered, ended]).finally(() => listening.abort());
    // The one that did not happen is given up.
    await Promise.allSettled([answered, ended]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }
}
