/**
 * Request bodies: JSON in UTF-8 of at most 256 KiB, or nothing. What a body means is the routes' affair.
 */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const MAX_BODY_BYTES = 256 * 1024;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/i;
const OTHER_CHARSET = /^charset=(?!"?utf-?8"?$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Why a body is refused. */
export interface BodyRefusal {
  readonly status: 413 | 415 | 422;
  /** What is said beyond the status. */
  readonly detail?: unknown;
}

export type ReadBody = { readonly body: unknown } | { readonly refusal: BodyRefusal };

/** Whether a request says that it has a body, be it an empty one (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/**
 * Reads a body whole and as bytes, then as JSON. One that is too large is read to its end as well, and not kept: who is
 * still sending hears no answer. When the client goes away before, nobody is called.
 */
export function readBody(request: IncomingMessage, done: (read: ReadBody) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.on('end', () => {
    const whole = bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined;
    done(parseBody(whole, request.headers));
  });
}

/** Whether a media type (RFC 9110, 8.3.1) is one of JSON in UTF-8; parameters that nobody knows change nothing. */
function isJson(mediaType: string): boolean {
  const [type = '', ...parameters] = mediaType.split(';').map((part) => part.trim());
  return JSON_TYPE.test(type) && !parameters.some((parameter) => OTHER_CHARSET.test(parameter));
}

/** Makes JSON of the bytes of a body. One without a content type is taken for JSON, as FastAPI does. */
function parseBody(bytes: Buffer | undefined, headers: IncomingHttpHeaders): ReadBody {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
  if (encoding.toLowerCase() !== 'identity') return { refusal: { status: 415 } };
  if (bytes === undefined) return { refusal: { status: 413 } };
  if (bytes.length === 0) return { body: undefined };
  if (type !== undefined && !isJson(type)) return { refusal: { status: 415 } };
  try {
    return { body: JSON.parse(utf8.decode(bytes)) };
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const loc = position === undefined ? ['body'] : ['body', Number(position)];
    return { refusal: { status: 422, detail: [{ type: 'json_invalid', loc, msg: 'JSON decode error' }] } };
  }
}
