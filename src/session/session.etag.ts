/**
 * Revisions over HTTP (RFC 9110, 8.8.3 and 13.1): every answer that has a revision carries it as its ETag, a GET
 * whose If-None-Match names it is answered 304, and If-Match becomes the revision that a command expects.
 */

import { createParamDecorator, type ExecutionContext, Req, Res } from '@nestjs/common';

const NOT_MODIFIED = 304;

interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What the answers of all HTTP adapters have in common. */
interface Response {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
}

type Handler = (...args: unknown[]) => unknown;

/**
 * Decorates a controller: what its routes answer with a `revision` gets its ETag. Not an interceptor, for which Nest
 * does more than for all the rest of a request that only reads: each route is wrapped, once, and is given the request
 * and the response behind its own parameters.
 */
export function Revisioned(): ClassDecorator {
  return ({ prototype }) => {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      // What was decorated is a route; the compiler has left the types of its parameters.
      const types: unknown[] | undefined = Reflect.getMetadata('design:paramtypes', prototype, name);
      if (types === undefined) continue;
      Req()(prototype, name, types.length);
      Res({ passthrough: true })(prototype, name, types.length + 1);
      prototype[name] = wrap(prototype[name], types.length);
    }
  };
}

/** A route, with the request and the response at `position` of its arguments; by its name and what decorates it, the same. */
function wrap(route: Handler, position: number): Handler {
  const wrapped = function (this: unknown, ...args: unknown[]) {
    const answer = route.apply(this, args);
    if (!(answer instanceof Promise)) return answer;
    return answer.then((body) => tag(body, args[position] as Request, args[position + 1] as Response));
  };
  Object.defineProperty(wrapped, 'name', { value: route.name });
  for (const key of Reflect.getMetadataKeys(route))
    Reflect.defineMetadata(key, Reflect.getMetadata(key, route), wrapped);
  return wrapped;
}

/** Puts the ETag on a response. What is to be answered: nothing when the client has it already. */
function tag(body: { readonly revision?: number } | undefined, request: Request, response: Response) {
  // A folder of the Python component has none: that component may still change it, and would count nothing.
  if (!body?.revision) return body;
  response.header('ETag', `"${body.revision}"`);
  const read = request.method === 'GET' || request.method === 'HEAD';
  if (!read || !names(request.headers['if-none-match'], body.revision)) return body;
  response.status(NOT_MODIFIED);
  return undefined;
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
