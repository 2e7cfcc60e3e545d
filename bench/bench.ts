/** What every row of the benchmark is given: what is wanted, the data sets, the load, a way to say how far it is. */

import { setTimeout as pause } from 'node:timers/promises';
import type { DataSet } from './data-set/data-set.js';
import { Load } from './load/load.js';
import { type Adapter, isKnown } from './servers/programs.js';
import type { Program, Server } from './servers/server.js';

export interface Wish {
  /** Sizes of data sets, ascending. */
  readonly sessions: readonly number[];
  readonly adapters: readonly Adapter[];
  readonly rounds: number;
  /** How long each side is measured in a round. */
  readonly seconds: number;
  /** How many servers are measured side by side over one database. */
  readonly instances: readonly number[];
  /** Folders of earlier runs that may be used: data folders of bench:seed, or PostgreSQL's. */
  readonly folders: readonly string[];
  /** How long to wait for an index that is made anew, in seconds. */
  readonly patience: number;
}

/** The product cannot do this, or not yet: told in the row's place. */
export class NotAvailable extends Error {}

export const UNKNOWN_ADAPTER = 'the server does not know HTTP_ADAPTER';
const LOOK_EVERY_MS = 200;

export abstract class Bench<Set extends DataSet = DataSet> {
  readonly load = new Load();
  readonly #sets = new Map<number, Promise<Set>>();

  constructor(
    readonly wish: Wish,
    readonly say: (text: string) => void,
  ) {}

  get smallest(): Promise<Set> {
    return this.dataSet(this.wish.sessions[0] as number);
  }

  get largest(): Promise<Set> {
    return this.dataSet(this.wish.sessions.at(-1) as number);
  }

  dataSet(sessions: number): Promise<Set> {
    const set = this.#sets.get(sessions) ?? this.find(sessions);
    this.#sets.set(sessions, set);
    return set;
  }

  /** An empty one for what is made and thrown away. */
  abstract scratch(): Promise<Set>;

  /** The product over a data set; where several adapters are measured, with the first one. */
  abstract server(set: Set, adapter?: Adapter): Program;

  /** A data set as it is at any start but the first. */
  abstract indexed(set: Set): Promise<Set>;

  /** Found where an earlier run left it, or made. */
  protected abstract find(sessions: number): Promise<Set>;

  /** The adapter with which is measured what no adapter matters to. */
  get anyAdapter(): Adapter {
    const adapter = this.wish.adapters.find(isKnown);
    if (!adapter) throw new NotAvailable(UNKNOWN_ADAPTER);
    return adapter;
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

  async close(): Promise<void> {
    this.load.stop();
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
