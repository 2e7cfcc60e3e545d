/**
 * What happens to a request before Nest's adapter sees it: its line in the log, CORS, the prefix, the body. It knows
 * node:http and no adapter, so that all this is the same, to the byte, whichever adapter comes behind.
 */

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import cors from 'cors';
import type { Logger } from 'pino';
import { hasBody, readBody } from './app.body.js';
import { phraseOf } from './app.filter.js';
import type { Config } from './config.js';
import { requestLog } from './logger.js';

type Step = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

const EXPOSED_HEADERS = ['ETag', 'Retry-After', 'x-request-id'];

export function setUpFront(server: Server, { corsOrigins, apiPrefix }: Config, logger: Logger): void {
  standBefore(server, readBodies);
  if (apiPrefix) standBefore(server, serveUnder(apiPrefix));
  if (corsOrigins.length > 0) standBefore(server, allowOrigins(corsOrigins));
  standBefore(server, requestLog(logger));
}

/** Puts a step before all that the server does with a request until now. */
function standBefore(server: Server, step: Step): void {
  const behind = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    step(request, response, () => {
      for (const listener of behind) listener.call(server, request, response);
    });
  });
}

function allowOrigins(origins: readonly string[]): Step {
  return cors({ origin: origins.includes('*') ? '*' : [...origins], exposedHeaders: EXPOSED_HEADERS });
}

/** What lies outside the prefix never reaches Nest, whose answer would not be ours. */
function serveUnder(prefix: string): Step {
  return (request, response, next) => {
    if (request.url?.startsWith(`${prefix}/`)) next();
    else refuse(response, 404);
  };
}

/** Leaves what was read at `body`, where Express has it too. */
function readBodies(
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
  next: () => void,
) {
  if (!hasBody(request)) return next();
  readBody(request, (read) => {
    if ('refusal' in read) return refuse(response, read.refusal.status, read.refusal.detail);
    request.body = read.body;
    next();
  });
}

function refuse(response: ServerResponse, status: number, detail: unknown = phraseOf(status)): void {
  const body = Buffer.from(JSON.stringify({ detail }));
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
  });
  response.end(body);
}
