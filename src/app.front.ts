/**
 * What happens to a request before Nest's adapter sees it: its line in the log, CORS, the prefix, the body. It knows
 * node:http and no adapter, so that all this is the same, to the byte, whichever adapter comes behind.
 */

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import cors from 'cors';
import type { Logger } from 'pino';
import { hasBody, readBody } from './app.body.js';
import { pathOf, phraseOf } from './app.filter.js';
import { refusalOf, takeRefusals } from './app.malformed.js';
import type { Config } from './config.js';
import { logRequests } from './request-log.js';

const EXPOSED_HEADERS = ['ETag', 'Retry-After', 'x-request-id'];

/** Puts all this before what the server does with a request until now. */
export function setUpFront(server: Server, { corsOrigins, apiPrefix }: Config, logger: Logger): void {
  const behind = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  // From the last step to the first. Each knows the next from the start: no request makes functions of its own.
  let handle: RequestListener = (request, response) => {
    for (const listener of behind) listener.call(server, request, response);
  };
  handle = readBodies(handle);
  handle = servePlainFiles(apiPrefix, handle);
  handle = refuseMalformed(handle);
  if (apiPrefix) handle = serveUnder(apiPrefix, handle);
  if (corsOrigins.length > 0) handle = allowOrigins(corsOrigins, handle);
  server.on('request', logRequests(logger, handle));
  // Node passes over what is beyond its limit. How long the head of a request may be is limited anyway.
  server.maxHeadersCount = 0;
  takeRefusals(server);
}

function allowOrigins(origins: readonly string[], next: RequestListener): RequestListener {
  const allow = cors({ origin: origins.includes('*') ? '*' : [...origins], exposedHeaders: EXPOSED_HEADERS });
  return (request, response) => allow(request, response, () => next(request, response));
}

/** What lies outside the prefix never reaches Nest, whose answer would not be ours. */
function serveUnder(prefix: string, next: RequestListener): RequestListener {
  return (request, response) => {
    if (pathOf(request.url ?? '').startsWith(`${prefix}/`)) next(request, response);
    else refuse(response, 404);
  };
}

/** What Node has left to us. Where no host was named nothing is clear, and no other request is waited for. */
function refuseMalformed(next: RequestListener): RequestListener {
  return (request, response) => {
    const status = refusalOf(request);
    if (status === undefined) return next(request, response);
    if (status === 400) response.setHeader('Connection', 'close');
    refuse(response, status);
  };
}

/** Names of files, one in another: none of them goes up (`..`), none is empty, and none is encoded. */
const PLAIN = /^(?:[\w-][\w.-]*(?:\/|$))*$/;

/** What else is asked for where the files of Swagger's pages are, the adapters would each read in its own way. */
function servePlainFiles(prefix: string, next: RequestListener): RequestListener {
  return (request, response) => {
    const [, file = ''] = /^\/docs\/([^?]*)/i.exec(pathOf(request.url ?? '').slice(prefix.length)) ?? [];
    if (PLAIN.test(file)) next(request, response);
    else refuse(response, 404);
  };
}

/** A body has no meaning there (RFC 9110, 9.3.1), and nobody looks at it. */
const BODILESS = new Set(['GET', 'HEAD']);

/** Leaves what was read at `body`, where Express has it too. */
function readBodies(next: RequestListener): RequestListener {
  return (request: IncomingMessage & { body?: unknown }, response) => {
    if (BODILESS.has(request.method ?? '') || !hasBody(request)) return next(request, response);
    readBody(request, (read) => {
      if ('refusal' in read) return refuse(response, read.refusal.status, read.refusal.detail);
      request.body = read.body;
      next(request, response);
    });
  };
}

function refuse(response: ServerResponse, status: number, detail: unknown = phraseOf(status)): void {
  const body = Buffer.from(JSON.stringify({ detail }));
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
  });
  response.end(body);
}
