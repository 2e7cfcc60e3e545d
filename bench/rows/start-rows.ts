/** Rows 6 and 7: how a server with the largest data set starts, and how it makes a lost index anew. */

import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { count } from '../../dist/cli/text.js';
import { parseSessionId } from '../../dist/session/domain/session-id.js';
import { type Bench, isTakingStock, NotAvailable } from '../bench.js';
import type { FolderSet } from '../data-set/data-set.js';
import { atMost, type Figure, sampleOf } from '../figure.js';
import type { FolderBench } from '../folder-bench.js';
import type { Latencies } from '../load/job.js';
import { Server, withServers } from '../servers/server.js';
import { withService } from './in-process.js';
import type { Row } from './row.js';

const INDEX_FILE = /^index\.db/;

export const startRow: Row = {
  name: 'start',
  what: 'from the start of the process to its first answer, and its memory, with the largest data set',
  measure: async (bench) => {
    const set = await bench.indexed(await bench.largest);
    const [ready, memory, listed]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < bench.wish.rounds; round += 1) {
      bench.say(`start: round ${round + 1} of ${bench.wish.rounds}`);
      await withServers([bench.server(set)], async (server) => {
        const { url, startMs, memoryMB } = server as Server;
        ready.push(startMs / 1_000);
        memory.push(memoryMB);
        await askForList(url);
        listed.push((server as Server).memoryMB);
      });
    }
    const at = count(set.sessions, 'session');
    const figure = (
      name: string,
      what: string,
      unit: 's' | 'MB',
      rounds: number[],
      limit: number,
    ): Figure => ({
      name,
      what: `${what}, ${at}`,
      unit,
      measured: sampleOf(rounds),
      aims: [atMost(limit)],
    });
    return [
      figure('start', 'start to the first answer', 's', ready, 2),
      figure('memory', 'memory when ready', 'MB', memory, 300),
      figure('memory-listed', 'memory after a list', 'MB', listed, 300),
    ];
  },
};

async function askForList(url: string): Promise<void> {
  const { status } = await fetch(`${url}/session?limit=50`);
  if (status === 404) await (await fetch(`${url}/session/list?limit=50`)).text();
}

/** While the index is made, in turn: reading, creating, and leaving it alone. */
const BURST_S = 1;
const ALONE_MS = 6_000;
const CREATORS = 8;

export const rebuildRow: Row<FolderBench> = {
  name: 'rebuild',
  what: 'a lost index made anew from the largest data set, and what the server can do meanwhile',
  measure: async (bench) => {
    const set = await bench.indexed(await bench.largest);
    if (!dropIndex(set)) throw new NotAvailable('the store keeps no index');
    bench.say(`rebuild of the index of ${count(set.sessions, 'session')}`);
    const server = await Server.start(bench.server(set));
    const use = new Use(bench, server, set);
    let seconds: number;
    try {
      const using = use.untilComplete();
      // Where the wait ends otherwise, its own error is the one to tell.
      using.catch(() => undefined);
      seconds = server.startMs / 1_000 + (await bench.complete(server));
      await using;
    } finally {
      await server.stop();
      bench.say(`removing ${count(use.made.length, 'session')} made meanwhile`);
      await removeAll(set, use.made);
    }
    const at = count(set.sessions, 'session');
    const whole: Figure = {
      name: 'rebuild',
      what: `start to a complete index that was lost, ${at}`,
      unit: 's',
      measured: sampleOf([seconds]),
      aims: [atMost(300)],
    };
    return [whole, ...use.figures()];
  },
};

/** Uses the server while it takes stock, and measures what its users get. */
class Use {
  readonly made: string[] = [];
  readonly #reads: Latencies[] = [];
  readonly #creations: Latencies[] = [];

  constructor(
    private readonly bench: Bench,
    private readonly server: Server,
    private readonly set: FolderSet,
  ) {}

  async untilComplete(): Promise<void> {
    const { url } = this.server;
    const { load } = this.bench;
    const read = { url, method: 'GET', paths: { folder: this.set.folder }, connections: 1 } as const;
    const body = '{"user_id":"developer@example.com"}';
    const paths = ['/session/create'];
    const create = { url, method: 'POST', paths, body, connections: CREATORS } as const;
    while (await isTakingStock(this.server)) {
      const reads = await load.latency({ ...read, seconds: BURST_S });
      if (!(await isTakingStock(this.server))) return;
      this.#reads.push(reads);
      const creations = await load.latency({ ...create, seconds: BURST_S });
      this.made.push(...creations.made);
      if (!(await isTakingStock(this.server))) return;
      this.#creations.push(creations);
      await pause(ALONE_MS);
    }
  }

  figures(): Figure[] {
    const figure = (
      name: string,
      what: string,
      unit: 'ms' | '/s',
      bursts: readonly Latencies[],
      of: 'p50' | 'p99' | 'perSecond',
    ): Figure => {
      const named = { name, what: `${what} while the index is made`, unit, aims: [] };
      if (bursts.length === 0) return { ...named, note: 'not available: it was over too soon' };
      return { ...named, measured: sampleOf(bursts.map((burst) => burst[of])) };
    };
    return [
      figure('rebuild-get-p50', 'GET of any session by one client, p50', 'ms', this.#reads, 'p50'),
      figure('rebuild-get-p99', 'GET of any session by one client, p99', 'ms', this.#reads, 'p99'),
      figure(
        'rebuild-create',
        `durable creations by ${CREATORS} clients`,
        '/s',
        this.#creations,
        'perSecond',
      ),
    ];
  }
}

/** Whether there was an index to drop. */
function dropIndex({ folder }: FolderSet): boolean {
  const store = join(folder, '.store');
  const files = readdirSync(store).filter((name) => INDEX_FILE.test(name));
  for (const name of files) rmSync(join(store, name));
  return files.length > 0;
}

/** Takes away what was made, through the store, so that its index knows. */
async function removeAll({ folder }: FolderSet, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await withService({ kind: 'file', path: folder }, undefined, async (service) => {
    for (const id of ids) await service.remove(id);
  });
  for (const day of new Set(ids.map((id) => parseSessionId(id)?.day ?? ''))) removeEmpty(join(folder, day));
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds sessions of the data set.
  }
}
