/**
 * That the tests of every-fault can fail: a file system betrays the store in what its guards rely on, and the client
 * has to notice. What no file system can take out of the store (that an unknown outcome freezes a session) was taken out
 * by hand when the tests were written.
 */

import { expect, test } from '@jest/globals';
import type { FileSystem, OpenFile } from '../../src/session/store/file/durable-file.js';
import { type Betrayal, playAll, playHere } from './every-fault.js';
import type { MisfortuneName } from './faulty-disk.js';

playHere();

const GONE: MisfortuneName = 'EIO, and what was not synced is gone';
const HALF: MisfortuneName = 'a short write, then ENOSPC';

/** A file system of which some functions are others. */
const instead = (files: FileSystem, own: (files: FileSystem) => object): FileSystem =>
  new Proxy(files, { get: (_, name) => Reflect.get({ ...own(files) }, name) ?? Reflect.get(files, name) });

/** Files of which some functions are others. */
const filesWith =
  (own: (file: OpenFile) => object): Betrayal =>
  (files) =>
    instead(files, () => ({
      open: async (path: string, flags: string) => {
        const file = await files.open(path, flags);
        return new Proxy(file, { get: (_, name) => Reflect.get(own(file), name) ?? Reflect.get(file, name) });
      },
    }));

const betrayals: readonly [string, MisfortuneName, RegExp, Betrayal][] = [
  [
    'a half write that is not undone',
    HALF,
    /\(write [^\n]*events\.jsonl\): a short write, then ENOSPC, once: /,
    filesWith(() => ({ truncate: async () => undefined })),
  ],
  [
    'a failed sync that is tried again and believed',
    GONE,
    /\(datasync [^\n]*events\.jsonl\)/,
    filesWith((file) => ({ datasync: () => file.datasync().catch(() => file.datasync()) })),
  ],
  [
    'a failed sync that nobody is told of',
    GONE,
    /\(datasync [^\n]*events\.jsonl\)/,
    filesWith((file) => ({ datasync: () => file.datasync().catch(() => undefined) })),
  ],
  [
    'a failed write that nobody is told of',
    HALF,
    /\(write [^\n]*events\.jsonl\)/,
    filesWith((file) => ({
      write: (bytes: Buffer, ...rest: [number, number, number]) =>
        file.write(bytes, ...rest).catch(() => ({ bytesWritten: bytes.length })),
    })),
  ],
  [
    'what is removed and stays',
    HALF,
    /removals, /,
    (files) => instead(files, () => ({ rm: async () => undefined })),
  ],
  ['a file that is left open', HALF, /changes, /, filesWith(() => ({ close: async () => undefined }))],
];

test.each(betrayals)('A client notices %s', async (_, misfortune, where, betray) => {
  expect((await playAll(misfortune, 'once', betray)).join('\n\n')).toMatch(where);
});
