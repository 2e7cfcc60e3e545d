/**
 * The component inside the benchmark's own process, as another Nest application has it: an application context with
 * `SessionModule` over a data folder, and no HTTP.
 */

import { NestFactory } from '@nestjs/core';
import { type Lifecycle, SessionModule, SessionService } from '../../dist/session/index.js';

export async function withService<T>(
  folder: string,
  lifecycle: Lifecycle | undefined,
  use: (service: SessionService) => Promise<T>,
): Promise<T> {
  const store = { kind: 'file' as const, path: folder };
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
