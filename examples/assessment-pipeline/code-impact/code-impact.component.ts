/**
 * Lists the files that the selected commits touched and the files that usually change together with those.
 */

import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { type Commit, type Repository, short } from '../git-history.js';
import type { ImpactRequest } from '../impact-request.js';
import { counted } from '../wording.js';

/** How often something happened, and examples of it to look at with `git show`. */
interface ImpactedFile {
  readonly path: string;
  readonly commits: number;
  readonly examples: readonly string[];
}

/** Of each kind the first so many are kept, and looked at further. */
const TOUCHED = 20;
const TOGETHER = 15;
/** Once is chance. */
const LEAST_TOGETHER = 2;
/** A commit of more files (a reformatting, an import) says nothing about what belongs together. */
const MOST_FILES = 50;
const EXAMPLES = 5;

@Injectable()
export class CodeImpactComponent extends BaseComponent<ImpactRequest, readonly string[]> {
  readonly componentName = 'code-impact';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  /** Answers with the paths of all impacted files. */
  override async process({ sessionId, repository, selected }: ImpactRequest) {
    const { touched, together } = await this.sessions.measure(
      sessionId,
      'code_impact',
      () => impactOf(repository, selected),
      {
        actor: this.componentName,
        step: 'code_impact_analyzed',
        output: (impact) => describe(impact.touched, impact.together, repository.head),
      },
    );
    return [...touched.slice(0, TOUCHED), ...together.slice(0, TOGETHER)].map(({ path }) => path);
  }
}

async function impactOf(repository: Repository, selected: readonly string[]) {
  const present = new Set(await repository.files());
  const touched = countFiles(await repository.changes(selected), present);
  const together = await changingTogether(repository, touched.slice(0, TOUCHED), present);
  return { touched, together };
}

async function changingTogether(
  repository: Repository,
  touched: readonly ImpactedFile[],
  present: ReadonlySet<string>,
): Promise<ImpactedFile[]> {
  if (touched.length === 0) return [];
  const known = new Set(touched.map(({ path }) => path));
  const commits = await repository.commitsTouching([...known]);
  const telling = commits.filter(({ files }) => files.length <= MOST_FILES);
  return countFiles(telling, present).filter(
    ({ path, commits }) => !known.has(path) && commits >= LEAST_TOGETHER,
  );
}

/** The files that are still there, by the number of the commits that changed them; of equals by path. */
function countFiles(commits: readonly Commit[], present: ReadonlySet<string>): ImpactedFile[] {
  const hashes = new Map<string, string[]>();
  for (const { hash, files } of commits)
    for (const { path } of files)
      if (present.has(path)) hashes.set(path, [...(hashes.get(path) ?? []), short(hash)]);
  return [...hashes]
    .map(([path, found]) => ({ path, commits: found.length, examples: found.slice(0, EXAMPLES) }))
    .sort((one, other) => other.commits - one.commits || (one.path < other.path ? -1 : 1));
}

function describe(touched: readonly ImpactedFile[], together: readonly ImpactedFile[], head: string) {
  const first = together[0];
  const most = first ? `, most often ${first.path} (${counted(first.commits, 'commit')})` : '';
  return {
    finding: `${counted(touched.length, 'file')} touched, ${together.length} more change together with them${most}`,
    files_touched: touched.length,
    files_together: together.length,
    touched: touched.slice(0, TOUCHED),
    together: together.slice(0, TOGETHER),
    trace: `git log --no-merges --full-history --full-diff --name-only --no-renames --oneline ${short(head)} -- FILES`,
  };
}
