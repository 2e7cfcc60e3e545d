/**
 * The component inside the benchmark's own process, as another Nest application has it: an application context with
 * `SessionModule` over a store, and no HTTP.
 */

import { NestFactory } from '@nestjs/core';
import {
  type Lifecycle,
  SessionModule,
  type SessionModuleOptions,
  SessionService,
} from '../../dist/session/index.js';

/** Sessions, and files, that are changed at the same time. */
export const AT_ONCE = 64;
export const USER = 'developer@example.com';

/** Goes round without end, so that a session can change its status as often as there is time. */
export const ROUND: Lifecycle = {
  initial: 'waiting',
  failure: 'failed',
  transitions: { waiting: ['working', 'failed'], working: ['waiting', 'failed'], failed: [] },
};

export async function withService<T>(
  store: SessionModuleOptions['store'],
  lifecycle: Lifecycle | undefined,
  use: (service: SessionService) => Promise<T>,
): Promise<T> {
  const module = SessionModule.forRoot({ store, ...(lifecycle && { lifecycle }) });
  const app = await NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
  try {
    return await use(app.get(SessionService));
  } finally {
    await app.close();
  }
}

/** How often something is done in a second when each of `callers` does it again and again. */
export async function rateOf(
  callers: number,
  seconds: number,
  act: (caller: number) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now();
  let done = 0;
  const call = async (caller: number) => {
    while (performance.now() - begun < seconds * 1_000) {
      await act(caller);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return done / ((performance.now() - begun) / 1_000);
}

/** Of sessions that are new in each round: none comes to the end of what one may hold. */
export async function changes(service: SessionService, seconds: number): Promise<number> {
  const made = await Promise.all(Array.from({ length: AT_ONCE }, () => service.process({ user_id: USER })));
  const next = made.map(() => 0);
  return rateOf(AT_ONCE, seconds, (caller) => {
    next[caller] = 1 - (next[caller] as number);
    const { session_id: id } = made[caller] as { session_id: string };
    return service.updateStatus(id, next[caller] === 1 ? 'working' : 'waiting', { actor: USER });
  });
}
