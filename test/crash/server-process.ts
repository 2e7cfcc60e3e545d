/**
 * The server under test as a process of its own: started by whatever command is given, told where its sessions are,
 * and stopped by a signal. Its address comes from the line in which it says that it serves.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const SERVES = / serves (http:\/\/\S+) from /;
/** How much of what the server complained about is kept for the report. */
const MAX_COMPLAINTS = 20;
/** A request that was answered, or the word that it serves. */
const ROUTINE = '"level":30';
/** What takes longer hangs. */
const PATIENCE_MS = 20_000;

export interface ServerPlace {
  /** A program and its arguments. */
  readonly command: readonly string[];
  /** Variables that say where its sessions are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it works: not in a folder that may hold an `.env`. */
  readonly workFolder: string;
}

export class ServerProcess {
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Lines that are no routine: warnings, errors, what is not JSON. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #address: Promise<string>;

  constructor({ command, environment, workFolder }: ServerPlace) {
    const [program = '', ...args] = command;
    const told = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' };
    const env = { PATH: process.env.PATH, ...told, ...environment };
    this.#child = spawn(program, args, { cwd: workFolder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = once(this.#child, 'close').then(([code, signal]) => code ?? signal);
    this.#address = new Promise((resolve) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
          const address = SERVES.exec(line)?.[1];
          if (address) resolve(address);
          else if (!line.includes(ROUTINE) && this.complaints.length < MAX_COMPLAINTS)
            this.complaints.push(line);
        });
      }
    });
  }

  /** The server's address once it serves; `undefined` when it ended instead. */
  serving(): Promise<string | undefined> {
    return Promise.race([
      this.#address,
      this.ended.then(
        () => undefined,
        () => undefined,
      ),
    ]);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** What comes of it, or `late`. */
export async function inTime<T>(event: Promise<T>): Promise<T | 'late'> {
  const given = new AbortController();
  const late = pause(PATIENCE_MS, 'late' as const, { signal: given.signal }).catch(() => 'late' as const);
  try {
    return await Promise.race([event, late]);
  } finally {
    given.abort();
  }
}

/** Resolves when a server that is starting has taken the data folder: next it brings the folder in order. */
export function folderTaken(dataFolder: string, server: ServerProcess): Promise<unknown> {
  const watcher = watch(join(dataFolder, '.store'));
  const taken = new Promise((resolve) => {
    watcher.on('change', (_event, name) => name === 'lock' && resolve(name));
  });
  return Promise.race([taken, server.ended]).finally(() => watcher.close());
}
