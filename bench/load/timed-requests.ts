/**
 * Requests of which each is timed to the microsecond: autocannon counts whole milliseconds, and the answers that matter
 * here take less than one.
 */

import { Agent, request } from 'node:http';
import { percentile } from '../figure.js';
import type { Latencies, LatencyJob } from './job.js';

const TIMEOUT_MS = 120_000;
const LIMIT = 200_000;

export async function timeRequests(job: LatencyJob, draw: () => string): Promise<Latencies> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.connections });
  const [times, made]: [number[], string[]] = [[], []];
  let failed = 0;
  const begun = performance.now();
  const isTime = () => performance.now() - begun < job.seconds * 1_000 && times.length < LIMIT;
  const connection = async () => {
    do {
      const from = performance.now();
      const { status, text } = await ask(job, draw(), agent);
      if (status === 200) times.push(performance.now() - from);
      else failed += 1;
      const id = job.method === 'POST' ? /"session_id":"(\w+)"/.exec(text)?.[1] : undefined;
      if (id) made.push(id);
    } while (isTime());
  };
  await Promise.all(Array.from({ length: job.connections }, connection));
  agent.destroy();
  const seconds = (performance.now() - begun) / 1_000;
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  return { perSecond: times.length / seconds, p50, p99, failed, made };
}

function ask({ url, method, body }: LatencyJob, path: string, agent: Agent) {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, agent, headers, timeout: TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
      answer.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${TIMEOUT_MS / 1_000} s`)));
    asked.on('error', reject);
    asked.end(body);
  });
}
