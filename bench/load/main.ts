/**
 * The load process: makes requests as it is told, one job after another, in a process of its own so that neither the
 * server nor the benchmark shares a thread with it.
 */

import autocannon from 'autocannon';
import { idsOf } from '../data-set/data-set.js';
import { answerJobs } from './asked-process.js';
import type { Job, Paths, Rate, RateJob } from './job.js';
import { timeRequests } from './timed-requests.js';

const TIMEOUT_S = 60;

/** Reading the names of a million folders takes seconds: once for each data folder. */
const known = new Map<string, readonly string[]>();

answerJobs(work);

async function work(job: Job) {
  const draw = drawerOf(job.paths);
  return job.kind === 'rate' ? measureRate(job, draw) : timeRequests(job, draw);
}

async function measureRate({ url, method, body, connections, seconds }: RateJob, draw: () => string) {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const request = { method, headers, body, setupRequest: (built: object) => ({ ...built, path: draw() }) };
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: TIMEOUT_S,
    requests: [request],
  });
  const { latency, non2xx, errors } = result;
  const perSecond = result['2xx'] / result.duration;
  return { perSecond, p50: latency.p50, p99: latency.p99, failed: non2xx + errors } satisfies Rate;
}

function drawerOf(paths: Paths): () => string {
  if (isList(paths)) return () => paths[Math.floor(Math.random() * paths.length)] as string;
  const all = known.get(paths.folder) ?? [...idsOf(paths.folder)];
  known.set(paths.folder, all);
  const count = Math.min(paths.hot ?? all.length, all.length);
  const step = all.length / count;
  return () => `/session/${all[Math.floor(Math.floor(Math.random() * count) * step)]}`;
}

function isList(paths: Paths): paths is readonly string[] {
  return Array.isArray(paths);
}
