/**
 * Estimates the hours from the churn of the selected commits and their spread over days: see estimate.ts.
 */

import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { type Commit, changesCommand, type Repository } from '../git-history.js';
import type { ImpactRequest } from '../impact-request.js';
import { counted } from '../wording.js';
import { authorDayOf, authorDays, HOURS_PER_DAY, linesOf, totalHours } from './estimate.js';

@Injectable()
export class EffortComponent extends BaseComponent<ImpactRequest, number> {
  readonly componentName = 'effort';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  /** Answers with the hours. */
  override async process({ sessionId, repository, selected }: ImpactRequest): Promise<number> {
    const effort = await this.sessions.measure(
      sessionId,
      'effort',
      async () => describe(await commitsOfTheDays(repository, selected), selected),
      { actor: this.componentName, step: 'effort_estimated', output: (found) => found },
    );
    return effort.total_hours;
  }
}

/** All commits of the days on which their authors made a selected one. */
async function commitsOfTheDays(repository: Repository, selected: readonly string[]) {
  const commits = await repository.commits();
  const days = new Set(commits.filter(({ hash }) => selected.includes(hash)).map(authorDayOf));
  const sameDays = commits.filter((commit) => days.has(authorDayOf(commit)));
  return repository.changes(sameDays.map(({ hash }) => hash));
}

function describe(ofTheDays: readonly Commit[], selected: readonly string[]) {
  const commits = ofTheDays.filter(({ hash }) => selected.includes(hash));
  const ownDays = new Set(commits.map(authorDayOf));
  const days = authorDays(
    ofTheDays.filter((commit) => ownDays.has(authorDayOf(commit))),
    selected,
  );
  const hours = totalHours(days);
  const lines = linesOf(commits);
  const sizes = [
    counted(commits.length, 'commit'),
    counted(lines, 'line'),
    counted(days.length, 'author-day'),
  ];
  const spread = { first_day: days[0]?.day ?? null, last_day: days.at(-1)?.day ?? null };
  return {
    finding: `${hours} h: ${sizes.join(', ')}, ${spread.first_day} to ${spread.last_day}`,
    total_hours: hours,
    hours_per_day: HOURS_PER_DAY,
    commits: commits.length,
    lines,
    ...spread,
    author_days: days,
    trace: changesCommand(selected),
  };
}
