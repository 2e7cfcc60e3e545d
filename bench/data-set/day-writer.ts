/**
 * A thread of the seeder: takes one day after another and writes its sessions into a data folder, as the store's own code
 * has views and paths, and without the syncs that the store makes for each. Nobody else sees the folder meanwhile: the
 * seeder holds its lock.
 */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import {
  EVENTS_FILE,
  type FolderEntry,
  SessionFolders,
  VIEW_FILE,
} from '../../dist/session/store/file/session-folders.js';
import { systemFiles } from '../../dist/session/store/file/system-files.js';
import { renderView } from '../../dist/session/store/file/view-writer.js';
import { type MadeSession, sessionsOfDay } from './made-sessions.js';
import { dayOf, dayStart, type Plan, sessionsByDay } from './plan.js';
import { type Shared, takeDays } from './threads.js';

/** What all threads of a seeder share. */
export interface Task extends Shared {
  readonly root: string;
  readonly storeId: string;
  readonly plan: Plan;
  /** Whether some of it may be there already. */
  readonly continued: boolean;
}

const task = workerData as Task;
const folders = new SessionFolders(systemFiles, task.root);

await takeDays(task, sessionsByDay(task.plan), (day, sessions, done) => {
  mkdirSync(join(task.root, dayOf(dayStart(task.plan, day))), { recursive: true });
  for (const made of sessionsOfDay(task.plan, day, sessions, task.storeId)) {
    writeSession(made);
    done(1);
  }
});

function writeSession({ id, seal }: MadeSession): void {
  const folder = folders.path(folders.computed(id) as FolderEntry);
  const view = join(folder, VIEW_FILE);
  // Written last: where it is, the session is whole. A stopped process may leave an empty one.
  if (task.continued && statSync(view, { throwIfNoEntry: false })?.size) return;
  const { log, session } = seal();
  mkdirSync(folder, { recursive: task.continued });
  writeFileSync(join(folder, EVENTS_FILE), log);
  writeFileSync(view, renderView(session));
}
