/**
 * The line of each request in the log, and the id under which its answer and its line are found. Made for this one line,
 * without pino and without what loggers of requests offer besides: either costs more than the rest of a short request.
 */

import { randomUUID } from 'node:crypto';
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  ServerResponse,
} from 'node:http';
import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { outputOf } from './logger.js';

/** A caller may bring its own request id, if it is short and plain. */
const REQUEST_ID = /^[A-Za-z0-9_.-]{1,64}$/;
const ID_HEADER = 'x-request-id';
const { info, error } = pino.levels.values as Record<'info' | 'error', number>;

interface NamedRequest extends IncomingMessage {
  id?: string;
}

/**
 * Gives every request an id, which its answer carries as `x-request-id`, hands it on, and writes its line when it is
 * over.
 */
export function logRequests(logger: Logger, handle: RequestListener): RequestListener {
  const output = outputOf(logger);
  const origin = `"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`;
  return (request: NamedRequest, response) => {
    const started = Date.now();
    // Now, since adapters change `url` while they look for a route.
    const { method, url, headers } = request;
    const given = headers[ID_HEADER];
    const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    request.id = id;
    response.writeHead = writeHeadWithId;
    // When the answer was handed on whole, or the client is gone before.
    response.on('close', () => {
      const statusCode = response.headersSent ? response.statusCode : null;
      const level = (statusCode ?? 0) >= 500 ? error : info;
      if (level < logger.levelVal) return;
      const now = Date.now();
      const outcome = response.writableFinished ? statusCode : 'client gone';
      // Of all this, only the URL may hold what JSON escapes.
      const quoted = JSON.stringify(url);
      output.write(
        `{"level":${level},"time":${now},${origin},"req":{"id":"${id}","method":"${method}","url":${quoted}},` +
          `"res":{"statusCode":${statusCode}},"responseTime":${now - started},` +
          `"msg":"${method} ${quoted.slice(1, -1)} ${outcome}"}\n`,
      );
    });
    handle(request, response);
  };
}

const { writeHead } = ServerResponse.prototype;

/**
 * Adds the id to the headers while they are written. Set before, it would have Node take every header of an answer that
 * writes them all at once, as Fastify's do, through the slow way of headers that are set one by one.
 */
function writeHeadWithId(this: ServerResponse<NamedRequest>, status: number, ...rest: unknown[]) {
  const headers = rest.at(-1) as OutgoingHttpHeaders | undefined;
  if (typeof headers === 'object' && !Array.isArray(headers)) headers[ID_HEADER] = this.req.id;
  else this.setHeader(ID_HEADER, this.req.id as string);
  return writeHead.call(this, status, ...(rest as []));
}
