/**
 * What Node refuses by itself, and without a body: what is no HTTP, what takes too long, what names no host, what expects
 * more than can be done. It is refused here in its place, since the body of every error is `{"detail": …}`.
 */

import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { phraseOf } from './app.filter.js';

/** The statuses that Node gives these; whatever else it could not read is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Requests that expect something else than `100-continue` (RFC 9110, 10.1.1). */
const expecting = new WeakSet<IncomingMessage>();

/** Has Node leave to us what it would refuse. */
export function takeRefusals(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (isFree(socket)) socket.write(answerOf(STATUSES[error.code ?? ''] ?? 400));
    socket.destroy(error);
  });
  // These are requests like others, with an id and a line in the log, until `refusalOf` is asked.
  (server as Server & { requireHostHeader: boolean }).requireHostHeader = false;
  server.on('checkExpectation', (request, response) => {
    expecting.add(request);
    server.emit('request', request, response);
  });
}

/** With what status a request is refused that Node would have refused. */
export function refusalOf(request: IncomingMessage): 400 | 417 | undefined {
  if (request.headers.host === undefined && request.httpVersion === '1.1') return 400;
  return expecting.has(request) ? 417 : undefined;
}

/** Whether nothing of an answer is on its way, into whose middle another would be written; Node looks at the same. */
function isFree(socket: Duplex & { readonly _httpMessage?: ServerResponse | null }): boolean {
  return socket.writable && !socket._httpMessage?.headersSent;
}

function answerOf(status: number): string {
  const body = JSON.stringify({ detail: phraseOf(status) });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
