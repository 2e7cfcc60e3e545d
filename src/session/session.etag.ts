/**
 * Revisions over HTTP (RFC 9110, 8.8.3 and 13.1): every answer that has a revision carries it as its ETag, a GET
 * whose If-None-Match names it is answered 304, and If-Match becomes the revision that a command expects.
 */

import {
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';

const NOT_MODIFIED = 304;

@Injectable()
export class EtagInterceptor implements NestInterceptor {
  constructor(private readonly host: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<{ method: string; headers: Record<string, string | undefined> }>();
    return next.handle().pipe(
      map((answer: { revision?: number }) => {
        // A folder of the Python component has none: that component may still change it, and would count nothing.
        if (!answer.revision) return answer;
        const { httpAdapter } = this.host;
        httpAdapter.setHeader(http.getResponse(), 'ETag', `"${answer.revision}"`);
        const read = request.method === 'GET' || request.method === 'HEAD';
        if (!read || !names(request.headers['if-none-match'], answer.revision)) return answer;
        httpAdapter.status(http.getResponse(), NOT_MODIFIED);
        return undefined;
      }),
    );
  }
}

/**
 * The revisions that an If-Match header accepts; `undefined` when it is absent or `*`. What is no ETag of ours (a weak
 * one among them: RFC 9110, 13.1.1) is NaN: a revision that no session has, so that the command is refused.
 */
function expectedRevisions(header: string | undefined): number | number[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const revisions = header.split(',').map((tag) => Number(/^"(0|[1-9]\d{0,8})"$/.exec(tag.trim())?.[1]));
  return revisions.length === 1 ? revisions[0] : revisions;
}

/** The revisions that a request's If-Match accepts. Not `@Headers`, which OpenAPI would take for a required one. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
  return expectedRevisions(request.headers['if-match']);
});

/** Whether If-None-Match names a revision; it compares weakly, so `W/` makes no difference. */
function names(header: string | undefined, revision: number): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${revision}"`);
}
