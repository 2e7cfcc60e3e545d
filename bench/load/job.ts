/** What the load process is asked to do, and what it answers. Types only. */

/** Which paths are asked for, at random. */
export type Paths =
  | readonly string[]
  | {
      /** The sessions of this data folder. */
      readonly folder: string;
      /** Only so many of them, taken evenly from all. */
      readonly hot?: number;
    };

interface Target {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly paths: Paths;
  /** JSON text. */
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
}

/** As many requests as the server can take. */
export interface RateJob extends Target {
  readonly kind: 'rate';
}

export interface Rate {
  /** Answers with a 2xx status, for each second. */
  readonly perSecond: number;
  /** Milliseconds, in whole ones. */
  readonly p50: number;
  readonly p99: number;
  /** Requests that got another answer, or none. */
  readonly failed: number;
}

/** Each connection's requests one after another, each timed. */
export interface LatencyJob extends Target {
  readonly kind: 'latency';
}

export interface Latencies {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  /** Ids of the sessions that were made. */
  readonly made: readonly string[];
}

export type Job = RateJob | LatencyJob;
