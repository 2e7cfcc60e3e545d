/**
 * The server's log: one JSON object a line (pino), or readable lines on a terminal; Nest's messages and one line for
 * each request go to the same place.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';
import { PinoPretty } from 'pino-pretty';

/** A caller may bring its own request id, if it is short and plain. */
const REQUEST_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** In whose name Nest tells what keeps it from starting: it is thrown on as well, and main.ts explains it. */
const STARTING = new Set(['ExceptionHandler', 'NestApplication']);

export function createLogger(level: string): Logger {
  if (!process.stdout.isTTY) return pino({ level });
  return pino({ level }, PinoPretty({ ignore: 'pid,hostname,req,res', singleLine: true }));
}

/** What Nest says, into the log. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    // Nest's account of its own start (every route, every module) is of use to nobody but its developers.
    this.logger.debug({ context: rest.at(-1) }, String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn({ context: rest.at(-1) }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    if (STARTING.has(String(rest.at(-1)))) return;
    this.logger.error(
      { context: rest.at(-1), stack: rest.length > 1 ? rest[0] : undefined },
      String(message),
    );
  }
}

/** Gives every request an id, which its answer carries as `x-request-id`, and logs it when it is answered. */
export function requestLog(logger: Logger): HttpLogger {
  return pinoHttp<IncomingMessage, ServerResponse>({
    logger,
    genReqId: (request, response) => {
      const given = request.headers['x-request-id'];
      const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
      response.setHeader('x-request-id', id);
      return id;
    },
    customLogLevel: (_request, response, error) => (error || response.statusCode >= 500 ? 'error' : 'info'),
    customSuccessMessage: summary,
    customErrorMessage: summary,
    // Not the error that pino-http makes up for a 500: what happened stands in the filter's line, under the same id.
    customErrorObject: (_request, _response, _error, values) => ({ ...values, err: undefined }),
    serializers: {
      req: ({ id, method, url }) => ({ id, method, url }),
      res: ({ statusCode }) => ({ statusCode }),
    },
  });
}

/** Express takes the part of the path off `url` that a handler is mounted under, and keeps it here. */
function summary(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): string {
  return `${request.method} ${request.originalUrl ?? request.url} ${response.statusCode}`;
}
