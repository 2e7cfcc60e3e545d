/** What every row of the benchmark is given: what is wanted, the data sets, the load, a way to say how far it is. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type DataSet, dataSetOf, onePath } from './data-set/data-set.js';
import { Load } from './load/load.js';
import { type Adapter, isKnown, product } from './servers/programs.js';
import { type Program, type Server, withServers } from './servers/server.js';

export interface Wish {
  /** Sizes of data sets, ascending. */
  readonly sessions: readonly number[];
  readonly adapters: readonly Adapter[];
  readonly rounds: number;
  /** How long each side is measured in a round. */
  readonly seconds: number;
  /** Data folders of bench:seed that may be used. */
  readonly folders: readonly string[];
  /** How long to wait for an index that is made anew, in seconds. */
  readonly patience: number;
}

/** The product cannot do this, or not yet: told in the row's place. */
export class NotAvailable extends Error {}

export const UNKNOWN_ADAPTER = 'the server does not know HTTP_ADAPTER';
const DATA = join('bench', 'data');
const LOOK_EVERY_MS = 200;

export class Bench {
  readonly load = new Load();
  readonly #sets = new Map<number, Promise<DataSet>>();
  readonly #scratch: string[] = [];
  readonly #indexed = new Set<string>();

  constructor(
    readonly wish: Wish,
    readonly say: (text: string) => void,
  ) {}

  get smallest(): Promise<DataSet> {
    return this.dataSet(this.wish.sessions[0] as number);
  }

  get largest(): Promise<DataSet> {
    return this.dataSet(this.wish.sessions.at(-1) as number);
  }

  dataSet(sessions: number): Promise<DataSet> {
    const set = this.#sets.get(sessions) ?? dataSetOf(sessions, this.wish.folders);
    this.#sets.set(sessions, set);
    return set;
  }

  /** A data folder for what is made and thrown away, on the disk on which the data sets are. */
  scratchFolder(): string {
    mkdirSync(DATA, { recursive: true });
    const folder = resolve(mkdtempSync(join(DATA, 'scratch-')));
    this.#scratch.push(folder);
    return folder;
  }

  /** The product over a data set; where several adapters are measured, with the first one. */
  server({ folder }: Pick<DataSet, 'folder'>, readyPath = onePath(folder)): Program {
    const adapter = this.wish.adapters.find(isKnown);
    if (!adapter) throw new NotAvailable(UNKNOWN_ADAPTER);
    return product(folder, adapter, readyPath);
  }

  /** A data set whose index is there and complete, as it is at any start but the first. */
  async indexed(set: DataSet): Promise<DataSet> {
    if (this.#indexed.has(set.folder)) return set;
    this.say(`the index of ${set.sessions.toLocaleString('en')} sessions, where it is not there yet`);
    await withServers([this.server(set)], (server) => this.complete(server as Server));
    this.#indexed.add(set.folder);
    return set;
  }

  /** Waits until the store has taken stock; how long that took from now on, in seconds. A store that never says so has. */
  async complete(server: Server): Promise<number> {
    const begun = performance.now();
    const elapsed = () => (performance.now() - begun) / 1_000;
    while (await isTakingStock(server)) {
      if (elapsed() > this.wish.patience)
        throw new Error(`the index was not complete after ${this.wish.patience} s`);
      await pause(LOOK_EVERY_MS);
    }
    return elapsed();
  }

  /** Measures the sides of a comparison one after the other, in each round in the other order. */
  async alternate<Side extends string>(
    name: string,
    sides: Readonly<Record<Side, () => Promise<number>>>,
  ): Promise<Record<Side, number[]>> {
    const names = Object.keys(sides) as Side[];
    const measured = Object.fromEntries(names.map((side) => [side, []])) as unknown as Record<Side, number[]>;
    this.say(`${name}: warming up`);
    for (const side of names) await sides[side]();
    for (let round = 0; round < this.wish.rounds; round += 1) {
      this.say(`${name}: round ${round + 1} of ${this.wish.rounds}`);
      for (const side of round % 2 === 0 ? names : [...names].reverse())
        measured[side].push(await sides[side]());
    }
    return measured;
  }

  close(): void {
    this.load.stop();
    for (const folder of this.#scratch) rmSync(folder, { recursive: true, force: true });
  }
}

/** Lists say so while sessions may be missing. A server without such lists has no index to wait for. */
export async function isTakingStock({ url }: Server): Promise<boolean> {
  const answer = await fetch(`${url}/session?limit=1`);
  const body = (await answer.json()) as { incomplete?: boolean };
  return answer.status === 200 && body.incomplete === true;
}

/** @throws NotAvailable unless the server answers this with 200 */
export async function mustAnswer({ url }: Server, path: string): Promise<void> {
  const { status } = await fetch(`${url}${path}`);
  if (status !== 200) throw new NotAvailable(`GET ${path.split('?')[0]} answers ${status}`);
}
