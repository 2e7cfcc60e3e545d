/**
 * Whether what the server answers agrees: the list with itself, with each session's own answers, and with the logs on
 * the disk. Asked while nobody writes.
 */

import type { Logs } from '../history/history.js';
import type { Answer, Json, Reply } from './connection.js';

export type Get = (path: string) => Promise<Reply>;

const PAGE = 100;

/** What the list says of sessions: all of them, or those of its first page. */
export interface Listing {
  readonly items: ReadonlyMap<string, Json>;
  readonly faults: readonly string[];
}

/** Walks the list. `count` is how many sessions there are on the disk. */
export async function walkList(get: Get, count: number, allPages: boolean): Promise<Listing> {
  const items = new Map<string, Json>();
  const faults: string[] = [];
  for (let offset = 0; offset === 0 || (allPages && offset < count); offset += PAGE) {
    const page = await ask(get, `/session/list?limit=${PAGE}&offset=${offset}`, faults);
    if (!page) return { items, faults };
    const { sessions, total } = page.body;
    if (total !== count)
      faults.push(`the list at ${offset} says that there are ${total} sessions, not ${count}`);
    if (sessions.length !== Math.min(PAGE, count - offset))
      faults.push(`the list at ${offset} has ${sessions.length} of ${count} sessions`);
    for (const item of sessions) {
      if (items.has(item.session_id)) faults.push(`the list has ${item.session_id} twice`);
      items.set(item.session_id, item);
    }
  }
  return { items, faults };
}

/** Compares what is said of each of these sessions: in the list, by itself, in its trail, in the log on the disk. */
export async function compareAnswers(get: Get, logs: Logs, items: Listing['items']): Promise<string[]> {
  const faults: string[] = [];
  for (const [id, log] of logs) {
    const one = await ask(get, `/session/${id}`, faults);
    const audit = await ask(get, `/session/${id}/audit`, faults);
    if (!one || !audit) continue;
    const { revision, head, status } = audit.body.data;
    if (revision !== log.length || head !== log.at(-1)?.hash)
      faults.push(`the audit of ${id} ends with event ${revision - 1}, the log with ${log.length - 1}`);
    if (one.revision !== revision || one.body.status !== status)
      faults.push(
        `${id} is ${one.body.status} at ${one.revision}, and ${status} at ${revision} in its audit`,
      );
    const item = items.get(id);
    if (item && (item.revision !== revision || item.status !== status))
      faults.push(
        `the list shows ${id} as ${item.status} at ${item.revision}, its audit as ${status} at ${revision}`,
      );
  }
  return faults;
}

async function ask(get: Get, path: string, faults: string[]): Promise<Answer | undefined> {
  const reply = await get(path);
  if (typeof reply === 'object' && reply.status === 200) return reply;
  const answer = typeof reply === 'string' ? reply : `${reply.status} ${JSON.stringify(reply.body)}`;
  faults.push(`GET ${path} was answered after the restart: ${answer}`);
  return undefined;
}
