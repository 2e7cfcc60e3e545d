/** What the rows are given that measure the store of files: data folders, found or made, and scratch ones. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Bench } from './bench.js';
import { dataSetOf, type FolderSet } from './data-set/data-set.js';
import { type Adapter, product } from './servers/programs.js';
import { type Program, type Server, withServers } from './servers/server.js';

const DATA = join('bench', 'data');

export class FolderBench extends Bench<FolderSet> {
  readonly #scratch: string[] = [];
  readonly #indexed = new Set<string>();

  override async scratch(): Promise<FolderSet> {
    return { sessions: 0, folder: this.scratchFolder(), onePath: '/session/list?limit=1' };
  }

  /** A data folder for what is made and thrown away, on the disk on which the data sets are. */
  scratchFolder(): string {
    mkdirSync(DATA, { recursive: true });
    const folder = resolve(mkdtempSync(join(DATA, 'scratch-')));
    this.#scratch.push(folder);
    return folder;
  }

  override server({ folder, onePath }: FolderSet, adapter: Adapter = this.anyAdapter): Program {
    return product({ DATA_SESSIONS_PATH: folder }, adapter, onePath);
  }

  /** Its index is there and complete. */
  override async indexed(set: FolderSet): Promise<FolderSet> {
    if (this.#indexed.has(set.folder)) return set;
    this.say(`the index of ${set.sessions.toLocaleString('en')} sessions, where it is not there yet`);
    await withServers([this.server(set)], (server) => this.complete(server as Server));
    this.#indexed.add(set.folder);
    return set;
  }

  override async close(): Promise<void> {
    await super.close();
    for (const folder of this.#scratch) rmSync(folder, { recursive: true, force: true });
  }

  protected override find(sessions: number): Promise<FolderSet> {
    return dataSetOf(sessions, this.wish.folders);
  }
}
