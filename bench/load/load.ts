/** The load process as the benchmark sees it: jobs go there, results come back, one at a time. */

import { AskedProcess } from './asked-process.js';
import type { Job, Latencies, LatencyJob, Rate, RateJob } from './job.js';

export class Load {
  readonly #process = new AskedProcess<Job, Rate | Latencies>(new URL('./main.js', import.meta.url));

  rate(job: Omit<RateJob, 'kind'>): Promise<Rate> {
    return this.#process.ask({ kind: 'rate', ...job }) as Promise<Rate>;
  }

  latency(job: Omit<LatencyJob, 'kind'>): Promise<Latencies> {
    return this.#process.ask({ kind: 'latency', ...job }) as Promise<Latencies>;
  }

  stop(): void {
    this.#process.stop();
  }
}
