/**
 * Requests over kept-alive connections, never repeated: what became of a request whose connection broke has to stay
 * unknown, and a client that tries again on its own would hide it.
 */

import { Agent, request } from 'node:http';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as any JSON is
export type Json = any;

export interface Answer {
  readonly status: number;
  /** The revision that the ETag names. */
  readonly revision: number;
  readonly body: Json;
}

/** `not_sent`: nobody was there to take it. `cut`: it may have been done. */
export type Reply = Answer | 'not_sent' | 'cut';

export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly url: string) {}

  send(method: string, path: string, content?: object): Promise<Reply> {
    const body = content && JSON.stringify(content);
    const headers = body
      ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      : {};
    return new Promise((resolve) => {
      const sent = request(`${this.url}${path}`, { method, headers, agent: this.#agent });
      sent.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNREFUSED' ? 'not_sent' : 'cut'),
      );
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', () => resolve('cut'));
        response.on('end', () => {
          const revision = Number(/^"(\d+)"$/.exec(response.headers.etag ?? '')?.[1] ?? 0);
          const text = Buffer.concat(parts).toString();
          resolve({ status: response.statusCode ?? 0, revision, body: text ? JSON.parse(text) : undefined });
        });
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
