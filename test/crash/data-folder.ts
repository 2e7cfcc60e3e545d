/**
 * Reads a data folder as it lies on the disk, with no store in between: each log line by line, each view, and what
 * should not be there; tears a log as a kill would. What it finds wrong with the folder by itself, it tells; histories are checked elsewhere.
 */

import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog } from '../../src/session/domain/event-log.js';
import { type LoggedEvent, loggedEvent } from '../history/history.js';
import type { Random } from '../random.js';

export interface FolderReading {
  readonly logs: ReadonlyMap<string, readonly LoggedEvent[]>;
  /** Sentences that name session and seq. */
  readonly faults: readonly string[];
  /** How many logs end in what a kill left of a write. */
  readonly torn: number;
  /** How many views are behind their logs. */
  readonly late: number;
}

/** The sessions of a data folder: id to path. */
export function sessionsIn(dataFolder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { day, name } of entriesOf(dataFolder)) {
    if (!name.startsWith('.')) found.set(name, join(dataFolder, day, name));
  }
  return found;
}

/** Half made folders that should have been taken away; a sentence each. */
export function leftovers(dataFolder: string): string[] {
  return entriesOf(dataFolder)
    .filter(({ name }) => name.startsWith('.'))
    .map(({ day, name }) => `${day}/${name} is left over after the restart`);
}

function entriesOf(dataFolder: string): { day: string; name: string }[] {
  const days = readdirSync(dataFolder).filter((name) => !name.startsWith('.'));
  return days.flatMap((day) => readdirSync(join(dataFolder, day)).map((name) => ({ day, name })));
}

/** Reads these sessions; ids to paths, as `sessionsIn` gives them. */
export function readSessions(dataFolder: string, sessions: ReadonlyMap<string, string>): FolderReading {
  const format = readFileSync(join(dataFolder, '.store', 'format.json'), 'utf8');
  const { store_id: storeId } = JSON.parse(format);
  const logs = new Map<string, readonly LoggedEvent[]>();
  const faults: string[] = [];
  let [torn, late] = [0, 0];
  for (const [id, path] of sessions) {
    // Before the log: a store that is running may move both on.
    const view = readIfThere(join(path, 'session_metadata.json'));
    const log = readIfThere(join(path, 'events.jsonl'));
    const { events, rest } = readLog(log ?? Buffer.alloc(0), storeId, id);
    logs.set(id, events.map(loggedEvent));
    if (!log) faults.push(`${id} has no events.jsonl`);
    if (rest?.torn) torn += 1;
    else if (rest) faults.push(`event ${rest.seq} of ${id} does not verify: ${rest.finding}`);
    const { revision, fault } = readView(id, view, events);
    if (fault) faults.push(fault);
    else if (revision < events.length) late += 1;
  }
  return { logs, faults, torn, late };
}

/** Puts the beginning of a line behind the last one of a session's log, if that is whole. */
export function tearLog(session: string, random: Random): void {
  const path = join(session, 'events.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  const [last = '', rest] = lines.slice(-2);
  if (rest === '') appendFileSync(path, last.slice(0, 1 + random.below(last.length)));
}

function readIfThere(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** How far a view is, or what is wrong with it. */
function readView(
  id: string,
  view: Buffer | undefined,
  events: readonly { readonly hash: string }[],
): { revision: number; fault?: string } {
  const wrong = (fault: string) => ({ revision: 0, fault: `the view of ${id} ${fault}` });
  if (!view) return wrong('is not there');
  const document = parse(view.toString());
  if (document === undefined) return wrong(`is torn: its ${view.length} bytes are no JSON`);
  const { revision, head } = document;
  if (revision > events.length)
    return wrong(`knows of event ${revision - 1}, and the log ends with ${events.length - 1}`);
  if (events[revision - 1]?.hash !== head)
    return wrong(`has another hash for event ${revision - 1} than the log`);
  return { revision };
}

function parse(text: string): { revision: number; head: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
