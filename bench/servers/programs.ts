/** The two servers that are compared: the product as it is started by everybody, and the least that Nest can be. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../dist/config.js';
import type { Program } from './server.js';

export type Adapter = 'express' | 'fastify';

/** `node dist/main.js` over what `store` names, with everything else as it is by default. */
export function product(
  store: Readonly<Record<string, string>>,
  adapter: Adapter,
  readyPath: string,
): Program {
  const env = { ...store, HTTP_ADAPTER: adapter };
  return { command: [resolve('dist/main.js')], env, readyPath };
}

/**
 * A Nest application that does nothing but answer `answer`.
 * @param database where it makes the one statement that a request needs; none without it
 */
export function bareNest(adapter: Adapter, answer: unknown, database = ''): Program {
  const command = [fileURLToPath(new URL('./bare-nest.js', import.meta.url))];
  const env = { BENCH_ADAPTER: adapter, BENCH_ANSWER: JSON.stringify(answer), BENCH_DATABASE: database };
  return { command, env, readyPath: '/session/any' };
}

/** Whether the product knows the variable that chooses the adapter: else it would be measured as another one. */
export function isKnown(adapter: Adapter): boolean {
  if (adapter === 'express') return true;
  const [one, other] = ['express', adapter].map((name) => JSON.stringify(readConfig({ HTTP_ADAPTER: name })));
  return one !== other;
}
