/**
 * The formulas of effort and story points, with all their constants. Pure.
 *
 *   hours of an author's day  =  HOURS_PER_DAY × lines the selected commits changed ÷ lines the author changed that day
 *   total hours               =  the sum over all days on which an author made a selected commit
 *   points of a story         =  the first of FIBONACCI that is at least its share of the hours ÷ HOURS_PER_POINT
 *
 * Lines are added and deleted ones. So the estimate is the time in which this repository's authors did what is
 * most like the requirement, taking a day to go to what was committed on it, by its size.
 */

import type { Commit } from '../git-history.js';

export const HOURS_PER_DAY = 8;
export const HOURS_PER_POINT = 4;
const FIBONACCI = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];

/** What one author committed on one day. */
export interface AuthorDay {
  readonly author: string;
  readonly day: string;
  /** Lines that all commits of the author on that day changed, and how many of them the selected commits did. */
  readonly lines: number;
  readonly selected_lines: number;
  readonly hours: number;
}

export const authorDayOf = ({ author, day }: Commit): string => `${day} ${author}`;

/** @param commits every commit of the days on which a selected one was made, with its files */
export function authorDays(commits: readonly Commit[], selected: readonly string[]): AuthorDay[] {
  const keys = [...new Set(commits.map(authorDayOf))].sort();
  return keys.map((key) => {
    const ofDay = commits.filter((commit) => authorDayOf(commit) === key);
    const lines = linesOf(ofDay);
    const selectedLines = linesOf(ofDay.filter(({ hash }) => selected.includes(hash)));
    const { author, day } = ofDay[0] as Commit;
    const hours = lines === 0 ? 0 : rounded((HOURS_PER_DAY * selectedLines) / lines, 100);
    return { author, day, lines, selected_lines: selectedLines, hours };
  });
}

export function totalHours(days: readonly AuthorDay[]): number {
  return rounded(
    days.reduce((sum, { hours }) => sum + hours, 0),
    10,
  );
}

export function storyPoints(hours: number): number {
  const enough = FIBONACCI.find((points) => points >= hours / HOURS_PER_POINT);
  return enough ?? (FIBONACCI.at(-1) as number);
}

export function linesOf(commits: readonly Commit[]): number {
  return commits.flatMap(({ files }) => files).reduce((sum, { lines }) => sum + lines, 0);
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
