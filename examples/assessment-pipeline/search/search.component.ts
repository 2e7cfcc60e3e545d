/**
 * Finds the past commits that are most like the requirement. Reports twice: what was found, what was selected.
 */

import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { type Commit, Repository, short } from '../git-history.js';
import { counted } from '../wording.js';
import { type Match, matchesCommand, rankCommits, selectBest, tellingWords } from './rank-commits.js';

export interface SearchRequest {
  readonly sessionId: string;
  readonly requirement: string;
  /** A folder of the repository. */
  readonly path: string;
}

export interface SearchAnswer {
  readonly repository: Repository;
  /** Full hashes, best match first. */
  readonly selected: readonly string[];
}

/** So many of the selected are named in the finding. */
const NAMED = 3;

/** Nothing in the history is like the requirement, so nothing can be said about it. */
export class NoMatchError extends Error {
  override readonly name = 'NoMatchError';
}

@Injectable()
export class SearchComponent extends BaseComponent<SearchRequest, SearchAnswer> {
  readonly componentName = 'search';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override async process({ sessionId, requirement, path }: SearchRequest): Promise<SearchAnswer> {
    const actor = this.componentName;
    const started = performance.now();
    const repository = await Repository.open(path);
    const commits = await repository.commits();
    const words = tellingWords(requirement);
    const matches = rankCommits(commits, words);
    if (matches.length === 0) throw noMatch(commits, words);
    await this.sessions.updateStatus(sessionId, 'matches_found', { actor });

    const selected = selectBest(matches);
    await this.sessions.update(
      sessionId,
      {
        status: 'matches_selected',
        stepsCompleted: ['matches_selected'],
        timing: { search_ms: Math.round(performance.now() - started) },
        outputs: { search: describe(repository, commits, words, matches, selected) },
      },
      { actor },
    );
    return { repository, selected: selected.map(({ commit }) => commit.hash) };
  }
}

function noMatch(commits: readonly Commit[], words: readonly string[]): NoMatchError {
  if (words.length === 0)
    return new NoMatchError('no past commit matches: the requirement has no telling word');
  return new NoMatchError(
    `no past commit matches: none of ${commits.length} has one of the words ${words.join(', ')}`,
  );
}

function describe(
  repository: Repository,
  commits: readonly Commit[],
  words: readonly string[],
  matches: readonly Match[],
  selected: readonly Match[],
) {
  const head = short(repository.head);
  const best = selected.slice(0, NAMED).map(({ commit }) => short(commit.hash));
  return {
    finding: `${matches.length} of ${counted(commits.length, 'commit')} at ${head} match, ${selected.length} selected, best ${best.join(' ')}`,
    head: repository.head,
    shallow: repository.shallow,
    commits: commits.length,
    words: [...words],
    found: matches.length,
    selected: selected.map(({ commit, score, words: found }) => ({
      commit: short(commit.hash),
      day: commit.day,
      author: commit.author,
      subject: (commit.message.split('\n')[0] as string).slice(0, 200),
      score,
      words: [...found],
    })),
    trace: matchesCommand(words, head),
  };
}
