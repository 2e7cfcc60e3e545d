/**
 * Stops the server so that nobody who was heard goes without an answer: what is under way ends, who has connected is
 * accepted, connections that are kept end with their next answer, then the store lets go of its folder.
 */

import type { Server, ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';

/** How long requests that are under way have to end when the server is to stop, in milliseconds. */
const GRACE_MS = 5_000;
/** How long clients that keep their connections have to use them once more before they are closed, in milliseconds. */
const FAREWELL_MS = 500;
/** How many turns have to bring nobody: one to accept, one to read what was sent, and one more. */
const QUIET_TURNS = 3;
/** How long to accept at most, in milliseconds. */
const ACCEPT_MS = 1_000;

/** Lets what is under way finish, then ends with 0. A second signal ends the process at once, as it does by default. */
export function stopOnSignal(app: INestApplication, logger: Logger): void {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  const server: Server = app.getHttpServer();
  const endConnections = connectionsThatEnd(server);
  const stop = async () => {
    for (const signal of signals) process.off(signal, stop);
    try {
      endConnections();
      if ((await promisify(server.getConnections).call(server)) > 0) await pause(FAREWELL_MS);
      const goOn = await acceptEverybody(server);
      setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
      const closed = app.close();
      // By the next turn nobody can connect any more.
      setImmediate(goOn);
      await closed;
      logger.info('stopped; everything is on the disk');
    } catch (error) {
      logger.error({ error: String(error) }, 'the server did not stop cleanly');
      process.exitCode = 1;
    }
  };
  for (const signal of signals) process.on(signal, stop);
}

/**
 * Gives a function after which every answer, also to what was asked before, tells its client that the connection ends
 * with it. Without that, a client that keeps its connection goes on until it is cut off in the middle of a request.
 */
function connectionsThatEnd(server: Server): () => void {
  const unanswered = new Set<ServerResponse>();
  let ending = false;
  const end = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  server.prependListener('request', (_request, response) => {
    if (ending) end(response);
    unanswered.add(response);
    response.once('close', () => unanswered.delete(response));
  });
  return () => {
    ending = true;
    for (const response of unanswered) end(response);
  };
}

/**
 * Accepts whoever has connected, one in a turn of the event loop, until turns bring nobody: closing would reset their
 * connections, and nobody would answer. What is asked has to wait meanwhile, or who is answered would come again before
 * all are in. Gives a function that lets it go on.
 */
async function acceptEverybody(server: Server): Promise<() => void> {
  const handlers = server.listeners('request');
  const asked: unknown[][] = [];
  server.removeAllListeners('request').on('request', (...request: unknown[]) => asked.push(request));
  const until = Date.now() + ACCEPT_MS;
  let quiet = 0;
  const note = () => {
    quiet = 0;
  };
  server.on('connection', note);
  for (; quiet < QUIET_TURNS && Date.now() < until; quiet++) await nextTurn();
  server.off('connection', note);
  return () => {
    server.removeAllListeners('request');
    for (const handler of handlers) server.on('request', handler as () => void);
    for (const request of asked) server.emit('request', ...request);
  };
}
