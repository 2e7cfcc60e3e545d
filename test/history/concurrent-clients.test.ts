/**
 * No update is lost, doubled or seen and taken back while many clients use one store: 8 writers and 4 readers at once,
 * and a checker over all that they did and saw. And without the queue that puts a session's commands one after another,
 * the same clients do break it.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Clients, logsIn, useAtOnce } from './concurrent-clients.js';
import type { Write } from './history.js';
import { checkHistory } from './history-check.js';

const CLIENTS: Clients = { writers: 8, readers: 4, operations: 20_000, seed: 7 };
const FILE_STORE = '../../src/session/store/file/file-store.js';
const COMMAND_QUEUE = '../../src/session/store/file/command-queue.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'impact-session-clients-'));
});

afterEach(async () => {
  jest.resetModules();
  await rm(folder, { recursive: true });
});

/** All that the clients did, saw and left on the disk; the store's modules as they are loaded now. */
async function recordRun(clients: Clients) {
  const { FileStore } = (await import(
    FILE_STORE
  )) as typeof import('../../src/session/store/file/file-store.js');
  const store = await FileStore.open({ path: folder });
  const recorded = await useAtOnce(store, clients);
  await store.close();
  const { logs, broken } = await logsIn(folder);
  return { ...recorded, logs, faults: [...broken, ...checkHistory(recorded.operations, logs)] };
}

describe('Eight writers and four readers at once', () => {
  test('lose and double nothing, and never see what is not in the log in the end', async () => {
    const { operations, logs, errors, faults } = await recordRun(CLIENTS);
    expect(faults).toEqual([]);
    expect(errors).toEqual([]);
    expect(operations.length).toBeGreaterThanOrEqual(CLIENTS.operations);
    const writes = operations.filter((one): one is Write => one.kind !== 'read');
    expect(new Set(operations.map(({ client }) => client)).size).toBe(13);
    const events = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
    expect(events).toBe(writes.reduce((sum, { events }) => sum + events.length, 0));
  });

  test('are found to lose updates when commands of a session do not wait for each other', async () => {
    jest.resetModules();
    jest.unstable_mockModule(COMMAND_QUEUE, () => ({
      CommandQueue: class {
        run<T>(_session: string, command: () => Promise<T>): Promise<T> {
          return command();
        }
      },
    }));
    const { faults } = await recordRun({ ...CLIENTS, operations: 1_000 });
    expect(faults).toContainEqual(expect.stringMatching(/ was acknowledged and is not in the log of /));
  });
});
