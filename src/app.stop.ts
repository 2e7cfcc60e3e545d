/**
 * Stops the server so that nobody who was heard goes without an answer: what is under way ends, who has connected is
 * accepted, connections that are kept end with the last answer that is due on them, then the store lets go of its folder.
 */

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { SessionStore } from './session/index.js';

/** How long requests that are under way have to end when the server is to stop, in milliseconds: then the store is closed. */
const GRACE_MS = 3_000;
/** How long after that connections are cut, in milliseconds: a store that gives up has told what becomes of each request by then. */
const LAST_ANSWERS_MS = 2_500;
/** How long clients that keep their connections have to use them once more before they are closed, in milliseconds. */
const FAREWELL_MS = 500;
/** How long a process that did not stop cleanly may take to write that down, in milliseconds. */
const LINGER_MS = 500;
/** How many turns have to bring nobody: one to accept, one to read what was sent, and one more. */
const QUIET_TURNS = 3;
/** How long to accept at most, in milliseconds. */
const ACCEPT_MS = 1_000;

/**
 * Lets what is under way finish, then ends with 0. A second signal ends the process at once, as it does by default.
 * @param kept where sessions are then, for the log
 */
export function stopOnSignal(app: INestApplication, logger: Logger, kept: string): void {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  const server: Server = app.getHttpServer();
  const store = app.get(SessionStore, { strict: false });
  const door = new Door(server);
  const stop = async () => {
    for (const signal of signals) process.off(signal, stop);
    try {
      door.endConnections();
      if ((await promisify(server.getConnections).call(server)) > 0) await pause(FAREWELL_MS);
      door.hold();
      await acceptEverybody(server);
      setTimeout(() => void endRequests(server, store), GRACE_MS).unref();
      const closed = app.close();
      // By the next turn nobody can connect any more.
      setImmediate(() => door.letIn());
      await closed;
      // Nest keeps to itself what a hook of its own shutdown says: a store that is asked twice answers the same.
      await store.close();
      logger.info(`stopped; everything is ${kept}`);
    } catch (error) {
      logger.error({ error: String(error) }, 'the server did not stop cleanly');
      process.exitCode = 1;
      // What could not be let go of may keep the process for long.
      setTimeout(() => process.exit(), LINGER_MS).unref();
    }
  };
  for (const signal of signals) process.on(signal, stop);
}

/** What is under way for too long ends with what the store makes of it, or without an answer. */
async function endRequests(server: Server, store: SessionStore): Promise<void> {
  // Who closes the application asks again, and is told why it could not be closed cleanly.
  store.close().catch(() => undefined);
  await pause(LAST_ANSWERS_MS, undefined, { ref: false });
  server.closeAllConnections();
}

/**
 * Stands before the handlers of requests. When the server is to stop, every connection ends with the last answer that is
 * due on it: a client that keeps one would go on until it is cut off in the middle of a request.
 */
class Door {
  readonly #handlers: readonly RequestListener[];
  /** Of each connection the latest request that is not answered yet: a client may send several at once (pipelining). */
  readonly #latest = new Map<Socket, ServerResponse>();
  #ending = false;
  #waiting: [IncomingMessage, ServerResponse][] | undefined;

  constructor(private readonly server: Server) {
    this.#handlers = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => this.#enter(request, response));
  }

  endConnections(): void {
    this.#ending = true;
    for (const response of this.#latest.values()) markLast(response);
  }

  /** Has requests wait: who is answered would come again, before all who have connected are in. */
  hold(): void {
    this.#waiting = [];
  }

  letIn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const [request, response] of waiting) this.#handle(request, response);
  }

  #enter(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (this.#ending) {
      const before = this.#latest.get(socket);
      // The answer on its way was told to be the last: this request must not be processed (RFC 9112, 9.6).
      if (before?.headersSent && isMarkedLast(before)) return;
      if (before && !before.headersSent) before.removeHeader('Connection');
      markLast(response);
    }
    this.#latest.set(socket, response);
    response.once('close', () => {
      if (this.#latest.get(socket) === response) this.#latest.delete(socket);
    });
    if (this.#waiting) this.#waiting.push([request, response]);
    else this.#handle(request, response);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    for (const handler of this.#handlers) handler.call(this.server, request, response as never);
  }
}

function markLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

function isMarkedLast(response: ServerResponse): boolean {
  return response.getHeader('Connection') === 'close';
}

/**
 * Accepts whoever has connected, one in a turn of the event loop, until turns bring nobody: closing would reset their
 * connections, and nobody would answer.
 */
async function acceptEverybody(server: Server): Promise<void> {
  const until = Date.now() + ACCEPT_MS;
  let quiet = 0;
  const note = () => {
    quiet = 0;
  };
  server.on('connection', note);
  for (; quiet < QUIET_TURNS && Date.now() < until; quiet++) await nextTurn();
  server.off('connection', note);
}
