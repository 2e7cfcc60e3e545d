/**
 * Clients that load a server until it is gone, and remember what it acknowledged; and the check, after a restart, that
 * it is all there.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog } from '../../src/session/domain/event-log.js';
import type { SessionEvent } from '../../src/session/domain/session-event.js';
import type { Random } from '../random.js';

/** What was acknowledged of a session. */
interface Acknowledged {
  revision: number;
  readonly steps: string[];
}

/** More than two pages of a disk, so that they can be torn. */
const LARGE = 'x'.repeat(9_000);
const PAGE = 500;
const COMMANDS_OF_A_SESSION = 12;

export class Clients {
  acknowledgements = 0;
  readonly #sessions = new Map<string, Acknowledged>();
  #steps = 0;

  constructor(private readonly draw: Random) {}

  get sessions(): number {
    return this.#sessions.size;
  }

  /** So many at once send commands until the server answers no more; resolves when all of them have noticed. */
  async load(url: string, clients: number): Promise<void> {
    const one = async () => {
      while (await this.#liveOneSession(url));
    };
    await Promise.all(Array.from({ length: clients }, one));
  }

  /** Whether the server answered to the end. */
  async #liveOneSession(url: string): Promise<boolean> {
    const created = await ask(`${url}/session/create`, 'POST', { user_id: 'me' });
    if (created?.status !== 200) return false;
    this.acknowledgements++;
    const acknowledged: Acknowledged = { revision: 1, steps: [] };
    this.#sessions.set(created.body.session_id, acknowledged);
    for (let left = this.draw.below(COMMANDS_OF_A_SESSION); left > 0; left--) {
      const step = `step-${this.#steps++}`;
      const outputs = this.draw.happens(0.3) ? { [step]: LARGE } : undefined;
      const patch = { steps_completed: [step], timing: { [`${step}_ms`]: left }, outputs };
      const changed = await ask(`${url}/session/${created.body.session_id}`, 'PATCH', patch);
      if (changed?.status !== 200) return false;
      this.acknowledgements++;
      acknowledged.revision = Number(changed.etag?.slice(1, -1));
      acknowledged.steps.push(step);
    }
    return true;
  }

  /** What of all that was acknowledged is not there, and what else is wrong with the sessions: a line each. */
  async missing(url: string, dataFolder: string): Promise<string[]> {
    const faults: string[] = [];
    const listed = await allListed(url, faults);
    for (const id of this.#sessions.keys())
      if (!listed.has(id)) faults.push(`${id} was acknowledged, and no list shows it`);
    const storeId = JSON.parse(readFileSync(join(dataFolder, '.store', 'format.json'), 'utf8')).store_id;
    for (const [id, inList] of listed) {
      const got = await ask(`${url}/session/${id}`);
      if (got?.status !== 200 || got.body.status !== inList.status || got.etag !== `"${inList.revision}"`) {
        faults.push(
          `${id} is listed as ${JSON.stringify(inList)} and answered with ${got?.status} ${got?.etag}`,
        );
        continue;
      }
      const log = readFileSync(join(dataFolder, got.body.created_at.slice(0, 10), id, 'events.jsonl'));
      const { events, rest } = readLog(log, storeId, id);
      if (rest && !rest.torn) faults.push(`${id} does not verify: event ${rest.seq}, ${rest.finding}`);
      if (events.length !== inList.revision)
        faults.push(`${id} is listed with ${inList.revision} events and its log has ${events.length}`);
      faults.push(...lost(id, events, this.#sessions.get(id)));
    }
    return faults;
  }
}

function lost(id: string, events: readonly SessionEvent[], acknowledged?: Acknowledged): string[] {
  if (!acknowledged) return [];
  const faults: string[] = [];
  if (events.length < acknowledged.revision)
    faults.push(`${id} had ${acknowledged.revision} events acknowledged, and has ${events.length}`);
  const steps = events.filter(({ type }) => type === 'step_completed').map(({ data }) => data.step);
  for (const step of acknowledged.steps) {
    const times = steps.filter((found) => found === step).length;
    if (times !== 1) faults.push(`${id} has ${step}, which was acknowledged, ${times} times`);
  }
  return faults;
}

interface Listed {
  readonly status: string;
  readonly revision: number;
}

async function allListed(url: string, faults: string[]): Promise<Map<string, Listed>> {
  const listed = new Map<string, Listed>();
  for (let offset = 0, total = 1; offset < total; offset += PAGE) {
    const page = await ask(`${url}/session/list?limit=${PAGE}&offset=${offset}`);
    if (page?.status !== 200) {
      faults.push(`the list answers ${page?.status}`);
      return listed;
    }
    total = page.body.total;
    for (const { session_id, status, revision } of page.body.sessions)
      listed.set(session_id, { status, revision });
  }
  return listed;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are read as any JSON is
type Answer = { readonly status: number; readonly etag: string | null; readonly body: any };

/** The answer; nothing when the server was gone before it was whole. */
async function ask(url: string, method = 'GET', body?: unknown): Promise<Answer | undefined> {
  try {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, etag: response.headers.get('etag'), body: await response.json() };
  } catch {
    return undefined;
  }
}
