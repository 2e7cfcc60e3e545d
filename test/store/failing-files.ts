/** A file system that notes every call and fails the ones that a test names. */

import type { OpenFile } from '../../src/session/store/file/durable-file.js';
import { systemFiles } from '../../src/session/store/file/system-files.js';

type Files = typeof systemFiles;

/** `rename <from> <to>`, `datasync <path>`, `write <path>` …, as they are made. */
export class WatchedFiles {
  readonly calls: string[] = [];
  /** Decides for each call, before it is made, whether it fails and with which code. */
  fail: (call: string) => string | undefined = () => undefined;
  /** How many bytes of a write reach the file before it fails. */
  bytesBeforeFailure = 0;
  /** How many bytes of a write the file takes at most in one call. */
  bytesAtOnce = Number.POSITIVE_INFINITY;
  /** Done before a call is made, and waited for. */
  before: (call: string) => Promise<void> | undefined = () => undefined;
  readonly files: Files;

  constructor() {
    this.files = {
      ...systemFiles,
      mkdir: this.#watch('mkdir'),
      rename: this.#watch('rename'),
      writeFile: this.#watch('writeFile'),
      readFile: this.#watch('readFile'),
      readdir: this.#watch('readdir'),
      opendir: this.#watch('opendir'),
      rm: this.#watch('rm'),
      stat: this.#watch('stat') as Files['stat'],
      open: (async (path: string, ...rest: [string]) => {
        await this.#before(`open ${path}`);
        return this.#watchFile(path, await systemFiles.open(path, ...rest));
      }) as Files['open'],
    };
  }

  async #before(call: string): Promise<void> {
    this.calls.push(call);
    await this.before(call);
    const code = this.fail(call);
    if (code) throw Object.assign(new Error(`${code}: ${call}`), { code });
  }

  #watch<K extends 'mkdir' | 'rename' | 'writeFile' | 'readFile' | 'readdir' | 'opendir' | 'rm' | 'stat'>(
    name: K,
  ): Files[K] {
    const call = systemFiles[name] as (...args: unknown[]) => Promise<unknown>;
    return (async (...args: unknown[]) => {
      await this.#before([name, ...args.filter((arg) => typeof arg === 'string')].join(' '));
      return call(...args);
    }) as Files[K];
  }

  #watchFile(path: string, file: OpenFile): OpenFile {
    for (const name of ['write', 'datasync', 'sync', 'truncate', 'stat'] as const) {
      const call = (file[name] as (...args: unknown[]) => Promise<unknown>).bind(file);
      (file as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) => {
        await this.#before(`${name} ${path}`).catch(async (error) => {
          const [bytes, from, , position] = args as [Buffer, number, number, number];
          if (name === 'write' && this.bytesBeforeFailure > 0) {
            await call(bytes, from, this.bytesBeforeFailure, position);
          }
          throw error;
        });
        if (name !== 'write') return call(...args);
        const [bytes, from, length, position] = args as [Buffer, number, number, number];
        return call(bytes, from, Math.min(length, this.bytesAtOnce), position);
      };
    }
    return file;
  }
}
