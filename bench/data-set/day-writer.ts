/**
 * A thread of the seeder: takes one day after another and writes its sessions, in the format that the store's own code
 * decides (ids, lines, chain, views, paths) and without the syncs that the store makes for each. Nobody else sees the
 * folder meanwhile: the seeder holds its lock.
 */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { type Decision, genesisHash, sealEvents } from '../../dist/session/domain/event-log.js';
import { ASSESSMENT_LIFECYCLE } from '../../dist/session/domain/lifecycle.js';
import { decidePatch, fold, type Session } from '../../dist/session/domain/session.js';
import { makeSessionId } from '../../dist/session/domain/session-id.js';
import {
  EVENTS_FILE,
  type FolderEntry,
  SessionFolders,
  VIEW_FILE,
} from '../../dist/session/store/file/session-folders.js';
import { systemFiles } from '../../dist/session/store/file/system-files.js';
import { renderView } from '../../dist/session/store/file/view-writer.js';
import { dayOf, dayStart, type Plan, sessionsByDay } from './plan.js';
import { Random } from './random.js';
import { drawStory, type Story } from './session-story.js';

/** What all threads of a seeder share. */
export interface Task {
  readonly root: string;
  readonly storeId: string;
  readonly plan: Plan;
  /** Whether some of it may be there already. */
  readonly continued: boolean;
  /** At 0 the next day that nobody has taken, at 1 how many sessions are done. */
  readonly counters: Int32Array;
}

const HOUR_S = 3_600;

const task = workerData as Task;
const folders = new SessionFolders(systemFiles, task.root);
const counts = sessionsByDay(task.plan);

for (let day = nextDay(); day < counts.length; day = nextDay()) writeDay(day, counts[day] as number);

function nextDay(): number {
  return Atomics.add(task.counters, 0, 1);
}

function writeDay(index: number, sessions: number): void {
  if (sessions === 0) return;
  const start = dayStart(task.plan, index);
  const random = new Random(task.plan.seed, start / 1_000);
  const taken = new Set<string>();
  mkdirSync(join(task.root, dayOf(start)), { recursive: true });
  for (let made = 0; made < sessions; made += 1) {
    const at = new Date(start + drawTimeOfDay(random));
    writeSession(freeId(random, at, taken), drawStory(random, at));
    Atomics.add(task.counters, 1, 1);
  }
}

/** In milliseconds: mostly between 7 and 19 o'clock, seldom at night. */
function drawTimeOfDay(random: Random): number {
  const seconds = random.happens(0.9) ? random.between(7 * HOUR_S, 19 * HOUR_S) : random.below(23 * HOUR_S);
  return seconds * 1_000 + random.below(1_000);
}

function freeId(random: Random, at: Date, taken: Set<string>): string {
  for (;;) {
    const id = makeSessionId(at, random.below(0x1000000).toString(16).padStart(6, '0'));
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function writeSession(id: string, story: Story): void {
  const folder = folders.path(folders.computed(id) as FolderEntry);
  const view = join(folder, VIEW_FILE);
  // Written last: where it is, the session is whole. A stopped process may leave an empty one.
  if (task.continued && statSync(view, { throwIfNoEntry: false })?.size) return;
  const { log, session } = seal(id, story);
  mkdirSync(folder, { recursive: task.continued });
  writeFileSync(join(folder, EVENTS_FILE), log);
  writeFileSync(view, renderView(session));
}

/** The log of a session, and its state, as if the store had been told the story. */
function seal(id: string, { opening, reports }: Story): { log: Buffer; session: Session } {
  const parts: Buffer[] = [];
  let session: Session | undefined;
  const append = (decision: Decision) => {
    const { revision = 0, head = genesisHash(task.storeId, id), updatedAt = '' } = session ?? {};
    const { lines, events } = sealEvents({ sid: id, revision, head, updatedAt }, decision);
    parts.push(lines);
    session = fold(session, events) as Session;
    return session;
  };
  let now = append(opening);
  for (const { at, actor, patch } of reports)
    now = append({ at, actor, events: decidePatch(now, patch, { lifecycle: ASSESSMENT_LIFECYCLE }) });
  return { log: Buffer.concat(parts), session: now };
}
