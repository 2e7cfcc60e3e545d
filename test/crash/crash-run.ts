/**
 * Promise 1: what was acknowledged survives kill -9. Rounds over one data folder: start the server, check all that the
 * clients of the round before did, let new clients loose on it, end it at a random moment.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../random.js';
import { Client } from './client.js';
import { Connection } from './connection.js';
import { sessionsIn, tearLog } from './data-folder.js';
import { Recorder } from './recorder.js';
import { checkAll, checkRound } from './round-check.js';
import { folderTaken, inTime, ServerProcess } from './server-process.js';

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** An empty folder for the data and for what was acknowledged. */
  readonly folder: string;
  /** Starts the server: a program and its arguments. */
  readonly command: readonly string[];
  readonly onRound?: (progress: Progress) => void;
}

export interface Progress {
  readonly round: number;
  readonly sessions: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly reads: number;
  /** Logs that were found with a torn tail. */
  readonly torn: number;
  /** Servers that were killed, killed while they started, and told to stop. */
  readonly killed: number;
  readonly killedStarting: number;
  readonly stopped: number;
}

export interface CrashResult extends Progress {
  /** What is wrong, a sentence each; the run ends with the first round that has any. */
  readonly violations: readonly string[];
}

const CLIENTS = 6;
/** A server is ended after so many acknowledgements, and up to so many milliseconds. */
const MIN_ACKNOWLEDGED = 10;
const MAX_ACKNOWLEDGED = 110;
const MAX_DELAY_MS = 25;
const SIGTERM_ONE_IN = 6;
const KILLED_STARTING_ONE_IN = 8;
const TORN_ONE_IN = 3;
/** How many sessions, from the last, may get a torn log: clients use these most. */
const LATEST = 5;
/** Longer than bringing a folder in order takes. */
const MAX_STARTING_MS = 60;
const FULL_CHECK_EVERY = 20;

export async function runCrashes(options: CrashOptions): Promise<CrashResult> {
  const run = new CrashRun(options);
  return run.result();
}

class CrashRun {
  readonly #dataFolder: string;
  readonly #record: Recorder;
  readonly #violations: string[] = [];
  readonly #ends = { killed: 0, killedStarting: 0, stopped: 0 };
  #torn = 0;

  constructor(private readonly options: CrashOptions) {
    this.#dataFolder = join(options.folder, 'sessions');
    mkdirSync(options.folder, { recursive: true });
    this.#record = new Recorder(join(options.folder, 'acknowledged'));
  }

  async result(): Promise<CrashResult> {
    let round = 0;
    while (round < this.options.rounds && this.#violations.length === 0) {
      round += 1;
      await this.#round(round, new Random(this.options.seed, round));
      this.options.onRound?.(this.#progress(round));
    }
    if (this.#violations.length === 0) await this.#lastCheck();
    await this.#record.close();
    return { ...this.#progress(round), violations: this.#violations };
  }

  #progress(round: number): Progress {
    const { ok: acknowledged, unknown, reads } = this.#record.counts;
    const sessions = this.#record.sessions.length;
    return { round, sessions, acknowledged, unknown, reads, torn: this.#torn, ...this.#ends };
  }

  async #round(round: number, random: Random): Promise<void> {
    if (random.below(KILLED_STARTING_ONE_IN) === 0 && round > 1) await this.#killStarting(random);
    const [acknowledged, delay, gently, torn] = [
      MIN_ACKNOWLEDGED + random.below(MAX_ACKNOWLEDGED - MIN_ACKNOWLEDGED),
      random.below(MAX_DELAY_MS),
      random.below(SIGTERM_ONE_IN) === 0,
      random.below(TORN_ONE_IN) === 0,
    ];
    await this.#withServer(async (server, url) => {
      await this.#check(url, round % FULL_CHECK_EVERY === 0);
      if (this.#violations.length > 0) return this.#kill(server);
      const enough = new Promise<void>((resolve) => this.#record.whenAcknowledged(acknowledged, resolve));
      const clients = Array.from({ length: CLIENTS }, (_, n) => {
        const { seed } = this.options;
        return new Client({ seed, round, number: n, url, record: this.#record }).run();
      });
      const early = await inTime(Promise.race([enough, server.ended]));
      if (early === 'late')
        this.#violations.push(`the server had not acknowledged ${acknowledged} commands in time`);
      await pause(delay);
      await (gently ? this.#stop(server) : this.#kill(server));
      await Promise.all(clients);
      if (torn && !gently) this.#tear(random);
    });
    this.#violations.push(...this.#record.faults);
  }

  /** What a kill in the middle of a write leaves, which seldom happens by itself: half a line at the end of a log. */
  #tear(random: Random): void {
    const session = random.oneOf(this.#record.sessions.slice(-LATEST));
    const path = sessionsIn(this.#dataFolder).get(session);
    if (path !== undefined) tearLog(path, random);
  }

  /** A server that is ended while it brings the folder in order. */
  async #killStarting(random: Random): Promise<void> {
    const delay = random.below(MAX_STARTING_MS);
    const server = this.#start();
    await inTime(folderTaken(this.#dataFolder, server));
    await pause(delay);
    server.kill('SIGKILL');
    await server.ended;
    this.#ends.killedStarting += 1;
  }

  async #lastCheck(): Promise<void> {
    await this.#withServer(async (server, url) => {
      await this.#check(url, true);
      await this.#stop(server);
    });
    if (this.#violations.length > 0) return;
    const { faults, late } = checkAll(this.#dataFolder, this.#record);
    this.#violations.push(...faults);
    if (late > 0) this.#violations.push(`${late} views are behind their logs after a clean stop`);
  }

  async #check(url: string, full: boolean): Promise<void> {
    const connection = new Connection(url);
    const get = (path: string) => connection.send('GET', path);
    const { faults, torn } = await checkRound(get, this.#dataFolder, this.#record, full);
    connection.close();
    this.#torn += torn;
    this.#violations.push(...faults);
  }

  #start(): ServerProcess {
    const { command, folder } = this.options;
    const environment = { DATA_SESSIONS_PATH: this.#dataFolder };
    return new ServerProcess({ command, environment, workFolder: folder });
  }

  /** Uses a server that serves, and sees that none is left running. */
  async #withServer(use: (server: ServerProcess, url: string) => Promise<void>): Promise<void> {
    const server = this.#start();
    try {
      const url = await inTime(server.serving());
      if (url === undefined || url === 'late')
        this.#violations.push(`the server did not start: ${server.complaints.join(' ')}`);
      else await use(server, url);
    } finally {
      server.kill('SIGKILL');
      await server.ended;
    }
    if (this.#violations.length > 0)
      this.#violations.push(...server.complaints.map((line) => `the server said: ${line}`));
  }

  async #kill(server: ServerProcess): Promise<void> {
    server.kill('SIGKILL');
    const ended = await server.ended;
    if (ended !== 'SIGKILL') this.#violations.push(`the server ended by itself, with ${ended}`);
    this.#ends.killed += 1;
  }

  async #stop(server: ServerProcess): Promise<void> {
    server.kill('SIGTERM');
    const ended = await inTime(server.ended);
    if (ended !== 0) this.#violations.push(`the server was told to stop and ended with ${ended}`);
    this.#ends.stopped += 1;
  }
}
