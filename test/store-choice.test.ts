/** A store that is described to `forRoot` as no store can be, as JavaScript or a configuration may: the start fails, and says why. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { SessionModule, type StoreChoice } from '../src/session/index.js';

const URL_OF_ONE = 'postgres://me:secret@127.0.0.1:1/sessions';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'impact-session-choice-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function start(store: unknown): Promise<void> {
  const module = SessionModule.forRoot({ store: store as StoreChoice });
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  await app.close();
}

test.each<[unknown, string]>([
  [
    undefined,
    "store should be a SessionStore, or say which: { kind: 'file', path } or { kind: 'postgres', url }",
  ],
  [null, "store should be a SessionStore, or say which: { kind: 'file', path } or { kind: 'postgres', url }"],
  [{}, 'store.kind should be file or postgres, not undefined'],
  [{ kind: 'postgre', url: URL_OF_ONE }, 'store.kind should be file or postgres, not "postgre"'],
  [{ kind: 'file' }, 'store.path should be the path of a folder, not undefined'],
  [{ kind: 'file', path: '' }, 'store.path should be the path of a folder, not ""'],
  [{ kind: 'file', path: 7 }, 'store.path should be the path of a folder, not 7'],
  [
    { kind: 'postgres', url: URL_OF_ONE, poolSize: 0 },
    'store.poolSize should be a whole number from 1 to 1000, not 0',
  ],
  [
    { kind: 'postgres', url: URL_OF_ONE, poolSize: 1.5 },
    'store.poolSize should be a whole number from 1 to 1000, not 1.5',
  ],
  [
    { kind: 'postgres', url: URL_OF_ONE, poolSize: '10' },
    'store.poolSize should be a whole number from 1 to 1000, not "10"',
  ],
])('A store that is %j is refused in one line: %s', async (store, message) => {
  await expect(start(store)).rejects.toMatchObject({ name: 'RangeError', message });
});

test.each([undefined, '', 'postgres://me:secret@host', 'mysql://me:secret@host/sessions', { secret: 1 }])(
  'A database at %j is refused by a line that does not repeat it: it may hold a password',
  async (url) => {
    const error = await start({ kind: 'postgres', url }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      name: 'RangeError',
      message: expect.stringMatching(
        /^store\.url should be like postgres:\/\/user:password@host\/database, [^\n]+$/,
      ),
    });
    expect((error as Error).message).not.toContain('secret');
  },
);

test('A store that is described well is opened, or says why it is not', async () => {
  await start({ kind: 'file', path: join(folder, 'sessions') });
  expect(readdirSync(folder)).toEqual(['sessions']);
  await expect(start({ kind: 'postgres', url: URL_OF_ONE, poolSize: 1_000 })).rejects.toMatchObject({
    code: 'StoreOpenError',
    fault: 'not_reachable',
  });
});
