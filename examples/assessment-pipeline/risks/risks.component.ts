/**
 * Says what is risky about the impacted files: those that change often, that one person knows, that no test names.
 */

import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { type Commit, type Repository, short } from '../git-history.js';
import { counted } from '../wording.js';

export interface RisksRequest {
  readonly sessionId: string;
  readonly repository: Repository;
  /** Paths of the impacted files. */
  readonly impacted: readonly string[];
}

/** How often a file changed, and by how many people. */
interface FileHistory {
  readonly path: string;
  readonly commits: number;
  readonly authors: number;
}

/** A file is hot with this many times the commits that the middle one of the impacted files has … */
const HOT_TIMES = 2;
/** … and with at least this many. */
const HOT_LEAST = 3;

const CODE =
  /\.(c|cc|cpp|cs|dart|ex|exs|go|h|hpp|java|js|jsx|kt|lua|mjs|cjs|php|pl|py|rb|rs|scala|sh|swift|ts|tsx|vue)$/;
const TEST_FOLDER = /(^|\/)(tests?|__tests__|specs?)\//;
const TEST_NAME = /(^test[_-])|([._-](test|spec)s?$)|(Tests?$)/;

@Injectable()
export class RisksComponent extends BaseComponent<RisksRequest, void> {
  readonly componentName = 'risks';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override async process({ sessionId, repository, impacted }: RisksRequest): Promise<void> {
    const assess = async () => {
      const commits = impacted.length > 0 ? await repository.commitsTouching(impacted) : [];
      const untested = withoutTest(impacted, await repository.files());
      return describe(historyOf(impacted, commits), untested, repository.head);
    };
    await this.sessions.measure(sessionId, 'risks', assess, {
      actor: this.componentName,
      step: 'risks_identified',
      output: (risks) => risks,
    });
  }
}

/** Most changed first; of equals by path. */
function historyOf(paths: readonly string[], commits: readonly Commit[]): FileHistory[] {
  return paths
    .map((path) => {
      const own = commits.filter(({ files }) => files.some((file) => file.path === path));
      return { path, commits: own.length, authors: new Set(own.map(({ author }) => author)).size };
    })
    .sort((one, other) => other.commits - one.commits || (one.path < other.path ? -1 : 1));
}

function hotOnes(files: readonly FileHistory[]): FileHistory[] {
  const middle = files[Math.floor(files.length / 2)]?.commits ?? 0;
  return files.filter(({ commits }) => commits >= Math.max(HOT_LEAST, HOT_TIMES * middle));
}

/** The files of code of which no test, in any folder, bears the name. */
function withoutTest(paths: readonly string[], all: readonly string[]): string[] {
  const tested = new Set(all.filter(isTest).map((path) => stemOf(path).replace(TEST_NAME, '')));
  return paths.filter((path) => CODE.test(path) && !isTest(path) && !tested.has(stemOf(path))).sort();
}

function isTest(path: string): boolean {
  return CODE.test(path) && (TEST_FOLDER.test(path) || TEST_NAME.test(stemOf(path)));
}

function stemOf(path: string): string {
  return posix.parse(path).name;
}

function describe(files: readonly FileHistory[], untested: readonly string[], head: string) {
  const hot = hotOnes(files);
  const alone = files.filter(({ authors }) => authors === 1);
  const hottest = hot[0] ? ` (${hot[0].path}: ${counted(hot[0].commits, 'commit')})` : '';
  return {
    finding: `of ${counted(files.length, 'file')} ${hot.length} hot${hottest}, ${alone.length} with one author, ${untested.length} without a test`,
    files: files.length,
    hot_files: hot,
    one_author: alone.map(({ path }) => path),
    without_test: untested,
    trace: `git log --no-merges --full-history --format='%h %ae' ${short(head)} -- FILE`,
  };
}
