/** The threads of a seeder, one for each processor: each takes the next day that nobody has taken, until there is none. */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { startProgress } from '../../dist/cli/progress.js';
import type { Plan } from './plan.js';

/** What the threads of a seeder are given besides the rest of their task. */
export interface Shared {
  /** At 0 the next day that nobody has taken, at 1 how many sessions are done. */
  readonly counters: Int32Array;
}

const LOOK_EVERY_MS = 100;

/** Lets threads do what is to be done, and tells how far they are. */
export async function runThreads(
  program: URL,
  task: { readonly plan: Plan; readonly [more: string]: unknown },
): Promise<void> {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const { sessions, days } = task.plan;
  const progress = startProgress('made', 'session', sessions);
  const looking = setInterval(() => progress.update(Atomics.load(counters, 1)), LOOK_EVERY_MS);
  try {
    const threads = Math.min(availableParallelism(), days);
    await Promise.all(Array.from({ length: threads }, () => runThread(program, { ...task, counters })));
  } finally {
    clearInterval(looking);
    progress.stop();
  }
}

function runThread(program: URL, workerData: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(program, { workerData });
    thread.on('error', reject);
    thread.on('exit', () => resolve());
  });
}

/** In a thread: days, with how many sessions begin on each, as long as there are some that nobody has taken. */
export async function takeDays(
  { counters }: Shared,
  counts: readonly number[],
  write: (day: number, sessions: number, done: (sessions: number) => void) => void | Promise<void>,
): Promise<void> {
  const next = () => Atomics.add(counters, 0, 1);
  for (let day = next(); day < counts.length; day = next()) {
    const sessions = counts[day] as number;
    if (sessions > 0) await write(day, sessions, (made) => void Atomics.add(counters, 1, made));
  }
}
