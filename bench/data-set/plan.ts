/**
 * What a data set consists of: how many sessions on which days, and the note that a data folder keeps of it
 * (`.seed.json`), so that it can be used again and an interrupted run can be continued.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NOTE_FILE = '.seed.json';
const DAY_MS = 86_400_000;
/** Fewer sessions begin on a Saturday or a Sunday. */
const WEEKEND_WEIGHT = 0.25;

export interface Plan {
  readonly sessions: number;
  /** Over how many days. */
  readonly days: number;
  readonly seed: number;
  /** The day after the last one, UTC: `2024-01-15`. */
  readonly until: string;
}

export interface Note extends Plan {
  /** Whether all of it is there. */
  readonly complete: boolean;
}

export function today(): string {
  return dayOf(Date.now());
}

/** Begin of the day at this place, in milliseconds since 1970. */
export function dayStart({ until, days }: Plan, index: number): number {
  return Date.parse(until) - (days - index) * DAY_MS;
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** How many sessions begin on each day; together as many as the plan says. */
export function sessionsByDay(plan: Plan): number[] {
  const weights = Array.from({ length: plan.days }, (_, index) =>
    isWeekend(dayStart(plan, index)) ? WEEKEND_WEIGHT : 1,
  );
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let [weight, given] = [0, 0];
  return weights.map((own) => {
    weight += own;
    const upToHere = Math.round((plan.sessions * weight) / whole);
    const here = upToHere - given;
    given = upToHere;
    return here;
  });
}

/** What the folder says of itself; `undefined` where it is no data set. */
export function readNote(root: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(join(root, NOTE_FILE), 'utf8')) as Note;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeNote(root: string, note: Note): void {
  writeFileSync(join(root, NOTE_FILE), `${JSON.stringify(note)}\n`);
}

function isWeekend(ms: number): boolean {
  return [0, 6].includes(new Date(ms).getUTCDay());
}
