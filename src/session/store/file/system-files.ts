/**
 * The system's files as the store uses them. Calls that take microseconds on a local disk are made at once: a trip through
 * the thread pool costs several times as much, and waits there behind the syncs, which do take their time. Imports
 * node:fs and nothing of the component.
 */

import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { promisify } from 'node:util';
import type { FileSystem, OpenFile } from './durable-file.js';

/** What is larger, in bytes, is read and written in the thread pool: it would keep everybody waiting. */
const LARGE = 512 * 1024;

const datasync = promisify(fs.fdatasync);
const sync = promisify(fs.fsync);

export const systemFiles: FileSystem = {
  mkdir: (async (path: string) => fs.mkdirSync(path)) as FileSystem['mkdir'],
  open: async (path, flags, mode) => new SystemFile(fs.openSync(path, flags ?? 'r', mode)),
  readFile: ((path: string, options: never) => readFile(path, options)) as FileSystem['readFile'],
  rename: async (from, to) => fs.renameSync(from, to),
  stat: (async (path: string) => fs.statSync(path)) as FileSystem['stat'],
  writeFile: ((path: string, content: string, options: never) =>
    writeFile(path, content, options)) as FileSystem['writeFile'],
  opendir: promises.opendir,
  readdir: promises.readdir,
  rm: promises.rm,
  statfs: promises.statfs,
};

async function readFile(path: string, options?: 'utf8'): Promise<Buffer | string> {
  const fd = fs.openSync(path, 'r');
  try {
    if (fs.fstatSync(fd).size <= LARGE) return fs.readFileSync(fd, options);
  } finally {
    fs.closeSync(fd);
  }
  return promises.readFile(path, options);
}

async function writeFile(path: string, content: string, options?: { flag: string }): Promise<void> {
  if (content.length > LARGE) await promises.writeFile(path, content, options);
  else fs.writeFileSync(path, content, options);
}

class SystemFile implements OpenFile {
  constructor(readonly fd: number) {}

  async write(
    content: Uint8Array,
    from: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }> {
    if (length > LARGE) return promisify(fs.write)(this.fd, content, from, length, position);
    return { bytesWritten: fs.writeSync(this.fd, content, from, length, position) };
  }

  async stat(): Promise<fs.Stats> {
    return fs.fstatSync(this.fd);
  }

  async truncate(length: number): Promise<void> {
    fs.ftruncateSync(this.fd, length);
  }

  datasync(): Promise<void> {
    return datasync(this.fd);
  }

  sync(): Promise<void> {
    return sync(this.fd);
  }

  async close(): Promise<void> {
    fs.closeSync(this.fd);
  }
}
