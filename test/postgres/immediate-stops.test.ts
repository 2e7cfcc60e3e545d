/** Promise 10: PostgreSQL is stopped at once, again and again, under load: nothing is lost, and nothing is there twice. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresStore } from '../../src/session/store/postgres/postgres-store.js';
import { BORN, idsAt, opening, patching } from '../../src/testing/contract/store-under-test.js';
import { PostgresServer } from './postgres-server.js';

const STOPS = 20;
const WRITERS = 8;

let server: PostgresServer;
let store: PostgresStore;

beforeAll(async () => {
  server = await PostgresServer.start();
  store = await PostgresStore.open({ url: server.url('postgres'), warn: () => undefined });
});

afterAll(async () => {
  await store.close();
  await server.stop();
});

/** What clients were told of their commands, by the step that each was to complete. */
class Told {
  readonly done = new Set<string>();
  readonly unknown = new Set<string>();
  refused = 0;

  async of(step: string, command: Promise<unknown>): Promise<boolean> {
    try {
      await command;
      this.done.add(step);
      return true;
    } catch (error) {
      const { code, outcome } = error as { code?: string; outcome?: string };
      expect(code).toBe('StoreUnavailableError');
      if (outcome === 'unknown') this.unknown.add(step);
      else this.refused += 1;
      return false;
    }
  }
}

test(`${STOPS} immediate stops under load`, async () => {
  const shared = (await store.create(idsAt(BORN), opening('me'))).session.id;
  const [reports, creations] = [new Told(), new Told()];
  let going = true;
  let next = 0;
  const writer = async (n: number) => {
    while (going) {
      const step = `s${next++}`;
      if (n % 2 === 0) await reports.of(step, store.append(shared, patching({ stepsCompleted: [step] })));
      else {
        const id = `sess_20240115_103045_${(next + 0x1000).toString(16).padStart(6, '0')}`;
        await creations.of(id, store.create([id], opening('me')));
      }
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, n) => writer(n));
  for (let n = 0; n < STOPS; n++) {
    await new Promise((resolve) => setTimeout(resolve, 40 + 17 * n));
    await server.kill();
    await server.run();
  }
  going = false;
  await Promise.all(writers);

  const { stepsCompleted } = (await store.read(shared))!.session;
  expect(new Set(stepsCompleted).size).toBe(stepsCompleted.length);
  expect(stepsCompleted.filter((step) => !reports.done.has(step) && !reports.unknown.has(step))).toEqual([]);
  expect([...reports.done].filter((step) => !stepsCompleted.includes(step))).toEqual([]);
  expect(await store.verify(shared)).toMatchObject({ valid: true, events: stepsCompleted.length + 1 });
  for (const id of creations.done) expect(await store.verify(id)).toMatchObject({ valid: true, events: 1 });
  const { total } = await store.list({ limit: 1, counted: true });
  expect(total! - 1).toBeGreaterThanOrEqual(creations.done.size);
  expect(total! - 1).toBeLessThanOrEqual(creations.done.size + creations.unknown.size);
  // There was load, and the stops met it.
  expect(Math.min(reports.done.size, creations.done.size)).toBeGreaterThan(STOPS);
  expect(reports.refused + reports.unknown.size + creations.refused + creations.unknown.size).toBeGreaterThan(
    0,
  );
});
