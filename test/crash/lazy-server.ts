/**
 * A server that acknowledges before it writes: the same application over a file system that says "done" to an append
 * and does it later. What the test of kills has to find; if it does not, it tests nothing.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { loadAdapter } from '../../src/app.adapter.js';
import { setUpApp } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config.js';
import { createLogger, NestLog } from '../../src/logger.js';
import { SessionModule } from '../../src/session/index.js';
import type { FileSystem, OpenFile } from '../../src/session/store/file/durable-file.js';
import { FileStore } from '../../src/session/store/file/file-store.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';

const LATER_MS = 35;

/** Appends that were acknowledged and not yet made, by path. */
const owed = new Map<string, Promise<void>>();

async function openLazily(path: string): Promise<OpenFile> {
  await owed.get(path);
  const file = await systemFiles.open(path, 'r+');
  const writes: [Uint8Array, number][] = [];
  const lazy: Partial<OpenFile> = {
    stat: file.stat.bind(file),
    write: (async (bytes: Uint8Array, from: number, length: number, position: number) => {
      writes.push([bytes.slice(from, from + length), position]);
      return { bytesWritten: length };
    }) as OpenFile['write'],
    datasync: async () => undefined,
    close: async () => {
      owed.set(path, makeGood(file, writes));
    },
  };
  return lazy as OpenFile;
}

async function makeGood(file: OpenFile, writes: [Uint8Array, number][]): Promise<void> {
  await pause(LATER_MS);
  for (const [bytes, position] of writes) await file.write(bytes, 0, bytes.length, position);
  await file.close();
}

/** Who reads a log waits until it is what it should be: only a kill shows that it was not. */
const lazyFiles = {
  ...systemFiles,
  open: ((path: string, flags: string) =>
    flags === 'r+' ? openLazily(path) : systemFiles.open(path, flags)) as FileSystem['open'],
  readFile: (async (path: string, ...rest: []) => {
    await owed.get(path);
    return systemFiles.readFile(path, ...rest);
  }) as FileSystem['readFile'],
};

@Module({})
class LazyModule {}

const config = loadConfig();
const logger = createLogger(config.logLevel);
const store = await FileStore.open({ path: config.dataSessionsPath, files: lazyFiles });
const module = { module: LazyModule, imports: [SessionModule.forRoot({ store })] };
const adapter = await loadAdapter(config.httpAdapter);
const app = await NestFactory.create(module, adapter, { logger: new NestLog(logger), bodyParser: false });
setUpApp(app, config, logger);
await app.listen(config.port, config.host);
logger.info(`a lazy server serves ${await app.getUrl()} from ${config.dataSessionsPath}`);
process.once('SIGTERM', async () => {
  await app.close();
  await store.close();
  await Promise.all(owed.values());
});
