/**
 * Says to all stores over one database that something was changed, and hears when others say so: LISTEN and NOTIFY. Said
 * after the commit, for many changes at once: a NOTIFY within a transaction lets all that do so commit one by one only.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from './database.js';

const CHANNEL = 'impact_session_changed';
/** Between two notices of one store, in milliseconds. */
const REST_MS = 50;
/** A lost connection is made again after this time, in milliseconds. */
const RETRY_MS = 1_000;

export class Notices {
  #isWanted = false;
  #giving: Promise<void> | undefined;

  constructor(private readonly database: Database) {}

  /** Says that something was changed, at once or soon. A notice that fails is nobody's loss. */
  give(): void {
    this.#isWanted = true;
    this.#giving ??= this.#give();
  }

  async #give(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.database.query(`NOTIFY ${CHANNEL}`).catch(() => undefined);
      await pause(REST_MS);
    }
    this.#giving = undefined;
  }

  /** Calls `heard` for every notice, and whenever one may have been missed, until `signal` is aborted. */
  async listen(heard: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.database.listen(CHANNEL, heard, signal).catch(() => undefined);
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#isWanted = false;
    await this.#giving;
  }
}
