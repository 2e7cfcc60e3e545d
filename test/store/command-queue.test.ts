/** The turns of one session's commands, and readings that share one. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { CommandQueue } from '../../src/session/store/file/command-queue.js';

const KEY = 'sess_20240115_103045_a1b2c3';

test('However many read at once, all are given the same, and it is read once', async () => {
  const queue = new CommandQueue();
  let readings = 0;
  const read = async () => {
    await nextTurn();
    return { reading: ++readings };
  };
  const given = await Promise.all(Array.from({ length: 1_500 }, () => queue.read(KEY, read)));
  expect(new Set(given)).toEqual(new Set([{ reading: 1 }]));
  expect(await queue.read(KEY, read)).toEqual({ reading: 2 });
  expect(queue.isBusy(KEY)).toBe(false);
});

test('Who reads after a command was acknowledged sees it, whoever else reads already', async () => {
  const queue = new CommandQueue();
  let written = 0;
  const change = async () => {
    await nextTurn();
    written++;
  };
  const read = async () => {
    await nextTurn();
    const seen = written;
    await nextTurn();
    return seen;
  };
  const missed: number[] = [];
  const readers: Promise<void>[] = [];
  for (let n = 1; n <= 50; n++) {
    const changed = queue.run(KEY, change);
    // Who asks while it is being written shares a reading that comes before or behind it.
    readers.push(queue.read(KEY, read).then(() => undefined));
    await changed;
    readers.push(
      queue.read(KEY, read).then((seen) => {
        if (seen < n) missed.push(n);
      }),
    );
    if (n % 3 === 0) await Promise.all(readers);
  }
  await Promise.all(readers);
  expect(missed).toEqual([]);
});

test('A reading that fails fails for all who share it, and the next one is made anew', async () => {
  const queue = new CommandQueue();
  const broken = new Error('broken');
  const fail = () => Promise.reject(broken);
  const shared = await Promise.allSettled([queue.read(KEY, fail), queue.read(KEY, fail)]);
  expect(shared).toMatchObject([{ reason: broken }, { reason: broken }]);
  expect(await queue.read(KEY, async () => 1)).toBe(1);
});
