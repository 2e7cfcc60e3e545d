/**
 * Error code to HTTP status: one table, which has to cover every code to compile. The answer is FastAPI's:
 * `{"detail": …}` with the error as the Python component's `to_dict()` gave it.
 */

import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  ComponentError,
  type Fault,
  type SessionError,
  type SessionErrorCode,
  type SessionValidationError,
} from './domain/errors.js';

const STATUS: Readonly<Record<SessionErrorCode, number>> = {
  SessionNotFoundError: 404,
  InvalidSessionStateError: 409,
  IdempotencyKeyInUseError: 409,
  IdempotencyKeyReusedError: 422,
  SessionConflictError: 412,
  SessionLimitError: 413,
  SessionValidationError: 422,
  SessionCorruptedError: 500,
  StoreOpenError: 503,
  StoreUnavailableError: 503,
};

/** What passes by itself, and after how many seconds a client may try again. */
const PASSING: ReadonlySet<SessionErrorCode> = new Set([
  'IdempotencyKeyInUseError',
  'StoreOpenError',
  'StoreUnavailableError',
]);
const RETRY_AFTER_SECONDS = 1;

/** The parts of a request that a fault may say it stands in. */
const PARTS: readonly unknown[] = ['body', 'query', 'header'];

@Injectable()
@Catch(ComponentError)
export class SessionFilter implements ExceptionFilter<SessionError> {
  readonly #log = new Logger('SessionFilter');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: SessionError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse();
    const status = STATUS[error.code];
    const { id = 'unknown' } = host.switchToHttp().getRequest<{ id?: string }>();
    if (status >= 500) this.#log.error(`${error.message}: ${causesOf(error)} (request ${id})`);
    if (PASSING.has(error.code))
      this.host.httpAdapter.setHeader(response, 'Retry-After', `${RETRY_AFTER_SECONDS}`);
    this.host.httpAdapter.reply(response, { detail: detailOf(error) }, status);
  }
}

function detailOf(error: SessionError): unknown {
  return error.code === 'SessionValidationError' ? faultsOf(error) : error.toDict();
}

/** Faults that were found behind the edge do not say when it was the body where they stand; here they do. */
function faultsOf(error: SessionValidationError): Fault[] {
  return error.faults.map(({ type, loc, msg }) => {
    return { type, loc: PARTS.includes(loc[0]) ? loc : ['body', ...loc], msg };
  });
}

/** What is behind an error, for the log: never for a client. */
function causesOf(error: Error): string {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(cause.message);
  }
  return causes.join(': ') || 'no cause known';
}
