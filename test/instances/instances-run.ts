/**
 * Promise 7 on PostgreSQL: no lost or doubled update through two servers over one database. Writers and readers at both,
 * on the same sessions; a server is killed in their midst and started again. In the end all that the clients did and saw
 * is held against the lines in the table, and against what both servers answer.
 */

import { join } from 'node:path';
import { compareAnswers, walkList } from '../crash/answers.js';
import { Client, type Role } from '../crash/client.js';
import { Connection } from '../crash/connection.js';
import { Recorder } from '../crash/recorder.js';
import { inTime, ServerProcess } from '../crash/server-process.js';
import { checkHistory } from '../history/history-check.js';
import { readLogs } from './database-logs.js';

export interface InstancesOptions {
  /** Requests of all clients together. */
  readonly operations: number;
  /** How often a server is killed and started again, now the one and now the other. */
  readonly kills: number;
  readonly seed: number;
  /** Of an empty database. */
  readonly databaseUrl: string;
  /** For what was acknowledged. */
  readonly folder: string;
  /** Starts a server: a program and its arguments. */
  readonly command: readonly string[];
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly operations: number;
  readonly sessions: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly reads: number;
  readonly killed: number;
}

export interface InstancesResult extends Progress {
  /** Commands that each of the servers has acknowledged. */
  readonly byServer: readonly number[];
  /** What is wrong, a sentence each. */
  readonly violations: readonly string[];
}

const INSTANCES = 2;
/** The clients of each server. */
const ROLES: readonly Role[] = ['writer', 'writer', 'writer', 'writer', 'reader', 'reader'];
/** So far apart are the numbers of the clients of two servers. */
const FAR = 100;
const TELL_EVERY = 50;
/** After so many faults nobody needs more of them. */
const ENOUGH_FAULTS = 20;

/** A server that serves, and the end of its clients. */
interface Instance {
  readonly server: ServerProcess;
  readonly url: string;
  readonly clients: Promise<unknown>;
}

export async function runInstances(options: InstancesOptions): Promise<InstancesResult> {
  return new InstancesRun(options).result();
}

class InstancesRun {
  readonly #record: Recorder;
  readonly #violations: string[] = [];
  readonly #servers: ServerProcess[] = [];
  #operations = 0;
  #lives = 0;
  #killed = 0;
  #awaited = { operations: 0, reached: () => {} };

  constructor(private readonly options: InstancesOptions) {
    this.#record = new Recorder(join(options.folder, 'acknowledged'));
  }

  async result(): Promise<InstancesResult> {
    try {
      await this.#run();
    } finally {
      for (const server of this.#servers) server.kill('SIGKILL');
      await Promise.all(this.#servers.map(({ ended }) => ended));
      await this.#record.close();
    }
    if (this.#violations.length > 0)
      for (const { complaints } of this.#servers)
        this.#violations.push(...complaints.map((line) => `a server said: ${line}`));
    return { ...this.#progress(), byServer: this.#byServer(), violations: this.#violations };
  }

  async #run(): Promise<void> {
    const { kills, operations } = this.options;
    const instances = await Promise.all(Array.from({ length: INSTANCES }, (_, n) => this.#start(n)));
    for (let kill = 1; kill <= kills; kill++) {
      const all = Promise.all(instances.map((instance) => instance?.clients));
      await Promise.race([this.#reached(Math.floor((kill * operations) / (kills + 1))), all]);
      const victim = (kill - 1) % INSTANCES;
      await this.#kill(instances[victim]);
      instances[victim] = await this.#start(victim);
    }
    for (const instance of instances) await instance?.clients;
    this.#violations.push(...this.#record.faults);
    if (this.#violations.length === 0) await this.#check(instances as Instance[]);
  }

  #progress(): Progress {
    const { ok: acknowledged, unknown, reads } = this.#record.counts;
    const sessions = this.#record.sessions.length;
    return { operations: this.#operations, sessions, acknowledged, unknown, reads, killed: this.#killed };
  }

  async #start(number: number): Promise<Instance | undefined> {
    const { command, databaseUrl, folder } = this.options;
    const environment = { STORE: 'postgres', DATABASE_URL: databaseUrl };
    const server = new ServerProcess({ command, environment, workFolder: folder });
    this.#servers.push(server);
    const url = await inTime(server.serving());
    if (url !== undefined && url !== 'late') return { server, url, clients: this.#clients(number, url) };
    this.#violations.push('a server did not start');
    return undefined;
  }

  /** Clients of a server; resolves when the server is gone, or all have done enough. */
  #clients(instance: number, url: string): Promise<unknown> {
    this.#lives += 1;
    const { seed } = this.options;
    const [round, record, goesOn] = [this.#lives, this.#record, () => this.#goesOn()];
    const clients = ROLES.map((role, n) => {
      return new Client({ seed, round, number: instance * FAR + n, url, record, role, goesOn });
    });
    return Promise.all(clients.map((client) => client.run()));
  }

  /** Before each operation: whether there is to be one more. */
  #goesOn(): boolean {
    const enough = this.#operations >= this.options.operations;
    if (enough || this.#violations.length > 0 || this.#record.faults.length >= ENOUGH_FAULTS) return false;
    this.#operations += 1;
    if (this.#operations === this.#awaited.operations) this.#awaited.reached();
    if (this.#operations % TELL_EVERY === 0) this.options.onProgress?.(this.#progress());
    return true;
  }

  #reached(operations: number): Promise<void> {
    return new Promise((reached) => {
      this.#awaited = { operations, reached };
      if (this.#operations >= operations) reached();
    });
  }

  async #kill(instance: Instance | undefined): Promise<void> {
    if (!instance) return;
    instance.server.kill('SIGKILL');
    const ended = await instance.server.ended;
    if (ended !== 'SIGKILL') this.#violations.push(`a server ended by itself, with ${ended}`);
    this.#killed += 1;
    await instance.clients;
  }

  /** The history against the table; the table against what each server says. Then both are told to stop. */
  async #check(instances: readonly Instance[]): Promise<void> {
    const { logs, faults } = await readLogs(this.options.databaseUrl);
    this.#violations.push(...faults, ...checkHistory(this.#record.allOperations(), logs));
    for (const { server, url } of instances) {
      const connection = new Connection(url);
      const get = (path: string) => connection.send('GET', path);
      const { items, faults: ofList } = await walkList(get, logs.size, true);
      this.#violations.push(...ofList, ...(await compareAnswers(get, logs, items)));
      connection.close();
      server.kill('SIGTERM');
      const ended = await inTime(server.ended);
      if (ended !== 0) this.#violations.push(`a server was told to stop and ended with ${ended}`);
    }
  }

  #byServer(): number[] {
    const counts = Array.from({ length: INSTANCES }, () => 0);
    for (const operation of this.#record.allOperations()) {
      const instance = Math.floor(Number(operation.client.slice('client-'.length)) / FAR);
      if (operation.kind !== 'read' && operation.outcome === 'ok') counts[instance]! += 1;
    }
    return counts;
  }
}
