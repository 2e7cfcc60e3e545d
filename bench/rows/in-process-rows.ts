/** Row 3, durable changes beside the same appends made by hand; and creations, both without HTTP. */

import { statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseSessionId } from '../../dist/session/domain/session-id.js';
import { createFile, SharedSyncs, syncFolder } from '../../dist/session/store/file/durable-file.js';
import { EVENTS_FILE, VIEW_FILE } from '../../dist/session/store/file/session-folders.js';
import { systemFiles } from '../../dist/session/store/file/system-files.js';
import { atLeast, type Figure, ratioOf, sampleOf } from '../figure.js';
import type { FolderBench } from '../folder-bench.js';
import { AT_ONCE, changes, ROUND, rateOf, USER, withService } from './in-process.js';
import type { Row } from './row.js';

export const appendRow: Row<FolderBench> = {
  name: 'append',
  what: `durable updateStatus on ${AT_ONCE} sessions beside open, append, fdatasync and close on ${AT_ONCE} files`,
  measure: async (bench) => {
    const folder = bench.scratchFolder();
    const lineBytes = await measureLine(bench.scratchFolder());
    const sides = {
      product: () =>
        withService({ kind: 'file', path: folder }, ROUND, (service) => changes(service, bench.wish.seconds)),
      floor: () => plainAppends(bench, lineBytes),
    };
    const rounds = await bench.alternate('append', sides);
    const figure: Figure = {
      name: 'append',
      what: `durable updateStatus in process, ${AT_ONCE} sessions at once`,
      unit: '/s',
      measured: sampleOf(rounds.product),
      comparedWith: { what: 'open, append, fdatasync, close', ...sampleOf(rounds.floor) },
      ratio: ratioOf(rounds.product, rounds.floor),
      aims: [atLeast(0.5)],
    };
    return [figure];
  },
};

/** How many bytes one such change adds to a log. */
function measureLine(folder: string): Promise<number> {
  return withService({ kind: 'file', path: folder }, ROUND, async (service) => {
    const { session_id: id } = await service.process({ user_id: USER });
    const log = join(folder, parseSessionId(id)?.day ?? '', id, EVENTS_FILE);
    const before = statSync(log).size;
    await service.updateStatus(id, 'working', { actor: USER });
    return statSync(log).size - before;
  });
}

async function plainAppends(bench: FolderBench, bytes: number): Promise<number> {
  const folder = resolve(bench.scratchFolder(), 'plain');
  await mkdir(folder);
  const line = Buffer.alloc(bytes, 'x');
  return rateOf(AT_ONCE, bench.wish.seconds, async (caller) => {
    const file = await open(join(folder, `${caller}.jsonl`), 'a');
    await file.write(line);
    await file.datasync();
    await file.close();
  });
}

export const createInProcessRow: Row<FolderBench> = {
  name: 'create-in-process',
  what: `durable creations in process, ${AT_ONCE} at once, beside the same calls on the disk alone`,
  measure: async (bench) => {
    const folder = bench.scratchFolder();
    const create = () =>
      withService({ kind: 'file', path: folder }, undefined, (service) =>
        rateOf(AT_ONCE, bench.wish.seconds, () => service.process({ user_id: USER })),
      );
    const rounds = await bench.alternate('create-in-process', {
      product: create,
      floor: () => plainCreates(bench),
    });
    const figure: Figure = {
      name: 'create-in-process',
      what: `durable creation in process, ${AT_ONCE} at once`,
      unit: '/s',
      measured: sampleOf(rounds.product),
      comparedWith: { what: 'the same calls on the disk alone', ...sampleOf(rounds.floor) },
      ratio: ratioOf(rounds.product, rounds.floor),
      aims: [],
    };
    return [figure];
  },
};

/** What docs/STORAGE.md has a writer do to make a session, with files of usual lengths and nothing else. */
async function plainCreates(bench: FolderBench): Promise<number> {
  const day = bench.scratchFolder();
  const syncs = new SharedSyncs(systemFiles);
  const [log, view] = [Buffer.alloc(460, 'x'), 'x'.repeat(420)];
  let made = 0;
  return rateOf(AT_ONCE, bench.wish.seconds, async () => {
    const name = `${made++}`;
    const building = join(day, `.tmp-${name}`);
    await systemFiles.mkdir(building);
    await createFile(systemFiles, join(building, EVENTS_FILE), log);
    await systemFiles.writeFile(join(building, VIEW_FILE), view);
    await syncFolder(systemFiles, building);
    await systemFiles.rename(building, join(day, name));
    await syncs.folder(day);
  });
}
