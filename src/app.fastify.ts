/**
 * All that is particular to Fastify: what makes it answer as Express does, to the byte, and stop as it does.
 */

import '@fastify/static'; // Swagger's pages need it; without it they would end the process when the server starts.
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { parseQuery } from './app.query.js';

/** A request as app.front.ts hands it on. */
interface FrontRequest extends IncomingMessage {
  readonly id?: string;
  readonly body?: unknown;
  readonly originalUrl?: string;
}

interface Reply {
  readonly statusCode: number;
  removeHeader(name: string): unknown;
}

type HookDone = (error: null, payload: unknown) => void;

/** How long Node lets clients take by default, in milliseconds; Fastify has other defaults. */
const KEEP_ALIVE_MS = 5_000;
const REQUEST_MS = 300_000;

export function createAdapter(): FastifyAdapter {
  const adapter = new StoppableAdapter({
    genReqId: ({ id = '' }: FrontRequest) => id,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    return503OnClosing: false,
    rewriteUrl: ({ url = '' }) => asExpressReads(url),
    routerOptions: {
      caseSensitive: false,
      ignoreTrailingSlash: true,
      // Longer ones do not reach us: Node bounds the head of a request.
      maxParamLength: Number.MAX_SAFE_INTEGER,
      querystringParser: parseQuery,
    },
    skipMiddie: true,
  });
  const fastify = adapter.getInstance();
  // What is no HTTP is answered by app.malformed.ts.
  fastify.server.removeAllListeners('clientError');
  // Bodies are read by app.front.ts, whatever the method: none is left for Fastify.
  for (const method of fastify.supportedMethods)
    fastify.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  fastify.addHook('preValidation', (request, reply, done) => {
    const raw: FrontRequest = request.raw;
    request.body = raw.body;
    const decoded = raw.url === raw.originalUrl || request.is404;
    if (decoded || decode(request.params as Record<string, string>)) done();
    else reply.callNotFound();
  });
  fastify.addHook('onRoute', (route) => {
    if (route.method === 'HEAD') route.onSend = [route.onSend ?? [], withoutLength].flat();
  });
  return adapter;
}

/**
 * Fastify decodes a path before it compares it, Express compares it as it was sent and decodes the parameters. So that
 * `/%73ession` is no route, and `%zz` a parameter like any other until it is decoded, percent signs are encoded here.
 * What comes behind `#`, and has no business in a request, is taken for a part of the query by Fastify.
 */
function asExpressReads(url: string): string {
  if (!/[%#]/.test(url)) return url;
  const [whole = ''] = url.split('#', 1);
  const [path = '', ...query] = whole.split('?');
  return [path.replaceAll('%', '%25'), ...query].join('?');
}

/** Decodes parameters in place. Whether all of them could be. */
function decode(parameters: Record<string, string>): boolean {
  try {
    for (const [name, value] of Object.entries(parameters)) parameters[name] = decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}

/** Fastify would tell the length of a body, 0, of which the answer says that the client has it. */
function withoutLength(_request: unknown, reply: Reply, payload: unknown, done: HookDone): void {
  if (reply.statusCode === 304) reply.removeHeader('content-length');
  done(null, payload);
}

/** Listens and closes as the Express adapter does: one server, and what app.stop.ts does with it is all that is done. */
class StoppableAdapter extends FastifyAdapter {
  /** Fastify would listen with a second server, of which app.stop.ts knows nothing, where a name has two addresses. */
  override listen(port: string | number, ...rest: unknown[]): void {
    const [host, listening] = rest as [string, (error?: Error | null) => void];
    this.getInstance().ready((error) => {
      if (error) listening(error);
      else this.getHttpServer().listen(Number(port), host, listening);
    });
  }

  /** Fastify would put `Connection: close` on every answer from now on, also before the last one of a connection. */
  override async close() {
    await new Promise((resolve) => this.getHttpServer().close(resolve));
    return super.close();
  }
}
