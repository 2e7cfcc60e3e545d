/**
 * Request bodies: JSON in UTF-8 of at most 256 KiB, or nothing. What a body means is the routes' affair.
 */

import { HttpException, type INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';

const MAX_BODY_BYTES = 256 * 1024;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

interface BodyRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  body?: unknown;
}

/** Reads bodies whole and as bytes, then as JSON. A body without a content type is taken for JSON, as FastAPI does. */
export function readBodies(app: INestApplication): void {
  const everything = { type: () => true, limit: MAX_BODY_BYTES, inflate: false };
  (app as NestExpressApplication).useBodyParser('raw', everything);
  app.use((request: BodyRequest, _response: unknown, next: (error?: unknown) => void) => {
    try {
      request.body = parseBody(request);
      next();
    } catch (error) {
      next(error);
    }
  });
}

/** @throws HttpException 415 for another type, 422 for what is not JSON */
function parseBody({ body, headers }: BodyRequest): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  const type = headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) throw new HttpException({}, 415);
  try {
    return JSON.parse(utf8.decode(body));
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const loc = position === undefined ? ['body'] : ['body', Number(position)];
    throw new HttpException({ detail: [{ type: 'json_invalid', loc, msg: 'JSON decode error' }] }, 422);
  }
}
