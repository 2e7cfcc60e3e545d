/**
 * What is answered when it is not a component's error: unknown routes, wrong methods, and faults of our own.
 * Always `{"detail": …}`; never a message, a path or a stack of the inside.
 */

import { STATUS_CODES } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  type HttpServer,
  Logger,
} from '@nestjs/common';

/** For each path pattern, the methods it answers to. */
export type RouteTable = ReadonlyMap<RegExp, readonly string[]>;

interface RoutedRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
}

@Catch()
export class AppFilter implements ExceptionFilter {
  readonly #log = new Logger('AppFilter');

  constructor(
    private readonly adapter: HttpServer,
    private readonly routes: RouteTable,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const status = statusOf(error);
    const { id = 'unknown' } = http.getRequest<{ id?: string }>();
    const stack = error instanceof Error ? error.stack : undefined;
    if (status >= 500) this.#log.error(`${String(error)} (request ${id})`, stack);
    if (status === 404) this.#notFound(http.getRequest(), http.getResponse());
    else this.#reply(http.getResponse(), status);
  }

  /** A path that is known under another method is 405 and says which (RFC 9110, 15.5.6). */
  #notFound(request: RoutedRequest, response: unknown): void {
    // Under a prefix `url` is what remains behind it.
    const [path = ''] = pathOf(request.originalUrl ?? request.url).split('?');
    const matching = [...this.routes].filter(([pattern]) => pattern.test(path));
    const allowed = matching.flatMap(([, methods]) => methods);
    const known = allowed.length > 0 && !allowed.includes(request.method);
    if (known) this.adapter.setHeader?.(response, 'Allow', [...new Set(allowed)].sort().join(', '));
    this.#reply(response, known ? 405 : 404);
  }

  #reply(response: unknown, status: number): void {
    this.adapter.reply(response, { detail: phraseOf(status) }, status);
  }
}

/** The path and the query of a request's target: a client may send the whole address (RFC 9112, 3.2.2). */
export function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '');
}

/** The status in the words of the Python service (Starlette's): Node's differ from version to version at 413. */
export function phraseOf(status: number): string {
  return status === 413 ? 'Request Entity Too Large' : (STATUS_CODES[status] ?? 'Error');
}

/** The status of Nest's errors and of the adapter's. A path that cannot be decoded is no route. */
function statusOf(error: unknown): number {
  if (error instanceof HttpException) return /decode param/.test(error.message) ? 404 : error.getStatus();
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

/** The table of an OpenAPI document's routes. */
export function routeTable(paths: Readonly<Record<string, object>>): RouteTable {
  return new Map(
    Object.entries(paths).map(([path, operations]) => {
      const methods = Object.keys(operations).map((method) => method.toUpperCase());
      const all = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
      const pattern = path.replaceAll('.', '\\.').replace(/\{[^}]+\}/g, '[^/]+');
      // As Express compares paths: without regard to case, with a slash at the end or without.
      return [new RegExp(`^${pattern}/?$`, 'i'), all];
    }),
  );
}
