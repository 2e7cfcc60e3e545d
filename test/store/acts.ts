/**
 * What the store is put through on a faulty disk: short acts, each on a folder of its own and with a store that is
 * opened in it, so that a fault can strike every call of everything that the store does.
 */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BORN } from '../../src/testing/contract/store-under-test.js';
import type { Client } from './a-client.js';

/** A session of ours with two steps, one of the Python component, and ids of which no session is there. */
export const OURS = 'sess_20240115_103045_000000';
export const PYTHONS = 'sess_20240115_103045_aaaaaa';
const [NEW, NEXT, LAST] = ['01', '02', '03'].map((end) => `sess_20240115_103045_0000${end}`) as [
  string,
  string,
  string,
];
export const DAY = '2024-01-15';
/** Views are late by up to a tenth of a second, or by one where one could not be written; the lock is seen less often. */
const MOMENT = 2_000;

export interface Act {
  readonly name: string;
  /** The sessions that the folder holds at its beginning. */
  readonly sessions: readonly (typeof OURS | typeof PYTHONS)[];
  /** What happened to the folder before. */
  prepare?(folder: string): void;
  /** Whether a fault may strike while the store is opened: it is opened in three conditions, and in each of them once. */
  readonly opens?: boolean;
  /** What is done before a fault may strike. */
  readonly before?: Step;
  /** Done one after another; a fault may strike in any of them. */
  readonly steps: readonly Step[];
  /** Whether the store is closed while the fault strikes. */
  readonly closes?: boolean;
}

/** `pass` lets time pass. */
type Step = (client: Client, pass: (ms: number) => Promise<void>) => Promise<void>;

export const ACTS: readonly Act[] = [
  {
    name: 'a new store',
    opens: true,
    sessions: [],
    steps: [
      (client) => client.create(OURS),
      (client) => client.create(NEW),
      (client) => client.create('sess_20240117_103045_000000', new Date('2024-01-17T10:30:45.000Z')),
      (client) => client.append(NEW, 'one'),
      (_, pass) => pass(MOMENT),
    ],
  },
  {
    name: 'changes',
    opens: true,
    sessions: [OURS],
    steps: [
      (client) => client.append(OURS, 'one'),
      (client) => client.append(OURS, 'two', 'three', 'four'),
      (_, pass) => pass(MOMENT),
      (client) => client.append(OURS, 'five'),
      (_, pass) => pass(MOMENT),
    ],
  },
  {
    name: 'reading',
    sessions: [OURS, PYTHONS],
    steps: [(client) => client.events(OURS), (client) => client.read(PYTHONS), (client) => client.list()],
  },
  {
    name: 'a listing before anything else',
    sessions: [OURS, PYTHONS],
    steps: [(client) => client.list(), (client) => client.append(OURS, 'one')],
  },
  {
    name: 'a folder of the Python component',
    sessions: [PYTHONS],
    steps: [
      (client) => client.append(PYTHONS, 'one', 'two'),
      (client) => client.append(PYTHONS, 'three'),
      (_, pass) => pass(MOMENT),
    ],
  },
  {
    name: 'after a kill',
    opens: true,
    sessions: [OURS],
    prepare: (folder) => {
      writeFileSync(
        join(folder, '.store/lock'),
        '{"pid":1,"host":"gone","since":"2024-01-01T00:00:00.000Z"}\n',
      );
      mkdirSync(join(folder, DAY, `.tmp-${NEXT}`));
      writeFileSync(join(folder, DAY, `.tmp-${NEXT}`, 'events.jsonl'), 'half a li');
      const log = join(folder, DAY, OURS, 'events.jsonl');
      appendFileSync(log, readFileSync(log).subarray(0, 200));
    },
    steps: [
      (client) => client.read(OURS),
      (client) => client.append(OURS, 'one', 'two'),
      (client) => client.append(OURS, 'three'),
      (_, pass) => pass(MOMENT),
    ],
  },
  {
    name: 'removals',
    sessions: [OURS, PYTHONS],
    steps: [
      (client) => client.remove(OURS),
      (client) => client.append(PYTHONS, 'one'),
      (client) => client.remove(PYTHONS),
      (client) => client.create(NEW),
    ],
  },
  {
    name: 'many at once',
    sessions: [OURS, PYTHONS],
    steps: [
      async (client) => {
        const creates = [NEW, NEXT, LAST].map((id) => client.create(id));
        await Promise.all([...creates, client.append(OURS, 'one'), client.append(PYTHONS, 'two', 'three')]);
      },
      (_, pass) => pass(MOMENT),
    ],
  },
  {
    name: 'a stop',
    sessions: [OURS],
    before: async (client) => {
      await client.append(OURS, 'one');
      await client.create(NEW);
    },
    steps: [],
    closes: true,
  },
];

/**
 * What an adoption keeps of the Python component's step files. A file that cannot be read is as good as none; one that
 * could not be opened for want of descriptors is not.
 */
export const IMPORTED = { summary: { requirement_text: 'as it was', total_story_points: 8 } };

/** What the Python component left of `PYTHONS`: of this, the summary is made. */
export function writePythonsFolder(folder: string): void {
  const own = join(folder, DAY, PYTHONS);
  mkdirSync(join(own, 'step1_input'), { recursive: true });
  const document = { session_id: PYTHONS, created_at: BORN.toISOString(), steps_completed: ['old'] };
  writeFileSync(join(own, 'session_metadata.json'), JSON.stringify(document, null, 2));
  writeFileSync(join(own, 'step1_input/requirement.json'), '{"requirement_text":"as it was"}');
  writeFileSync(join(own, 'final_summary.json'), '{"jira_stories":{"total_story_points":8}}');
}
