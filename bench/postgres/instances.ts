/** Several processes over one database, all of which do the same at the same time. */

import { AskedProcess } from '../load/asked-process.js';

export interface InstanceJob {
  readonly side: 'product' | 'floor';
  readonly work: 'get' | 'create' | 'append';
  readonly url: string;
  readonly seconds: number;
  /** Sessions that are read. */
  readonly ids?: readonly string[];
}

export class Instances {
  readonly #processes: AskedProcess<InstanceJob, number>[] = [];

  /** How often they do it in a second, all together. */
  async rate(instances: number, job: InstanceJob): Promise<number> {
    while (this.#processes.length < instances)
      this.#processes.push(new AskedProcess(new URL('./instance.js', import.meta.url)));
    const rates = await Promise.all(this.#processes.slice(0, instances).map((one) => one.ask(job)));
    return rates.reduce((sum, rate) => sum + rate, 0);
  }

  stop(): void {
    for (const one of this.#processes) one.stop();
  }
}
