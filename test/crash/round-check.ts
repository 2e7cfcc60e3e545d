/**
 * What has to hold when a server has started again over what another one left: the disk, the answers and the history
 * of the clients agree. In most rounds only what was touched since the last check is looked at, so that the checks do
 * not grow with the number of rounds.
 */

import { checkHistory } from '../history/history-check.js';
import { compareAnswers, type Get, walkList } from './answers.js';
import { leftovers, readSessions, sessionsIn } from './data-folder.js';
import type { Recorder } from './recorder.js';

export interface CheckResult {
  readonly faults: readonly string[];
  readonly torn: number;
  readonly late: number;
}

/** Checks a folder whose server serves, and nobody writes. `full`: every session, and all pages of the list. */
export async function checkRound(
  get: Get,
  dataFolder: string,
  record: Recorder,
  full: boolean,
): Promise<CheckResult> {
  const all = sessionsIn(dataFolder);
  const touched = record.takeTouched();
  const strangers = [...all.keys()].filter((id) => !record.knows(id));
  const chosen = full ? all : pick(all, [...touched, ...strangers]);
  const { items, faults } = await walkList(get, all.size, full);
  const { logs, faults: onDisk, torn, late } = readSessions(dataFolder, chosen);
  const disagreements = await compareAnswers(get, logs, items);
  const history = checkHistory(record.operationsOf(new Set([...chosen.keys(), ...touched])), logs);
  return {
    faults: [...leftovers(dataFolder), ...onDisk, ...history, ...faults, ...disagreements],
    torn,
    late,
  };
}

/** Checks a folder that no server holds: the whole history, with the commands as their files have them. */
export function checkAll(dataFolder: string, record: Recorder): CheckResult {
  const { logs, faults, torn, late } = readSessions(dataFolder, sessionsIn(dataFolder));
  const history = checkHistory(record.allOperations(), logs);
  return { faults: [...leftovers(dataFolder), ...faults, ...history], torn, late };
}

function pick(all: ReadonlyMap<string, string>, wanted: readonly string[]): Map<string, string> {
  return new Map(wanted.filter((id) => all.has(id)).map((id) => [id, all.get(id) as string]));
}
