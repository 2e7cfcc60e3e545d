/**
 * Reads a repository's history by asking `git`, so that every number of the example has a command that gives it.
 * May import Node's own modules only. Nothing here writes, uses a shell or reaches the network.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface FileChange {
  readonly path: string;
  /** Lines added and deleted; 0 for a binary file. */
  readonly lines: number;
}

export interface Commit {
  readonly hash: string;
  /** The author's e-mail address. */
  readonly author: string;
  /** The author's date in the author's own time zone, as `git log --format=%as` gives it. */
  readonly day: string;
  readonly message: string;
  /** Sorted as git gives them; empty when they were not asked for. */
  readonly files: readonly FileChange[];
}

/** The folder has no history that can be read; the message is one line that says why. */
export class NoHistoryError extends Error {
  override readonly name = 'NoHistoryError';
}

/** Only the newest are read of a history that is longer. */
export const MAX_COMMITS = 20_000;

/** Endings of files that programs write: their lines say nothing of the work. */
const GENERATED = ['-lock.json', '-lock.yaml', '.lock', '.min.js', '.min.css', 'go.sum'];
const NOT_GENERATED = GENERATED.map((ending) => `:(top,exclude)*${ending}`);

/** What a person's own settings may change about `git log`, set to what git ships with. */
const SETTINGS = ['-c', 'log.follow=false', '-c', 'log.showRoot=true'];
const LOG = [
  'log',
  '-z',
  '--encoding=UTF-8',
  '--no-show-signature',
  '--no-mailmap',
  '--no-notes',
  '--no-color',
];
const COUNTED = ['--numstat', '--no-renames', '--no-relative', '--no-ext-diff', '--no-textconv'];
const DIFF = ['--diff-algorithm=default', '--ignore-submodules=none'];
const FORMAT = '--format=%H%x00%ae%x00%as%x00%B';
const OUTPUT_BYTES = 256 * 1024 * 1024;

/** A repository at the commit that was its HEAD when it was opened. */
export class Repository {
  private constructor(
    private readonly path: string,
    /** The full hash of the commit that everything is read at. */
    readonly head: string,
    /** Whether the history was cut when it was cloned. */
    readonly shallow: boolean,
  ) {}

  /** @throws NoHistoryError when there is no repository, no commit or no git */
  static async open(path: string): Promise<Repository> {
    const shallow = await git(path, ['rev-parse', '--is-shallow-repository']);
    const head = await git(path, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']).catch((error) => {
      throw new NoHistoryError('the repository has no commits yet', { cause: error });
    });
    return new Repository(path, head.trim(), shallow.trim() === 'true');
  }

  /** All commits but merges, newest first, without their files; at most `MAX_COMMITS`. */
  async commits(): Promise<readonly Commit[]> {
    return this.log(['--no-merges', `--max-count=${MAX_COMMITS}`, this.head]);
  }

  /** The given commits with their files, generated ones left out; those that have no other are left out too. */
  async changes(hashes: readonly string[]): Promise<readonly Commit[]> {
    return this.log([...COUNTED, ...DIFF, '--no-walk', ...hashes, '--', ...NOT_GENERATED]);
  }

  /** The commits but merges that changed any of `paths`, each with all its files, generated ones left out. */
  async commitsTouching(paths: readonly string[]): Promise<readonly Commit[]> {
    const only = paths.map((path) => `:(top,literal)${path}`);
    const range = ['--no-merges', '--full-history', '--full-diff', `--max-count=${MAX_COMMITS}`, this.head];
    return this.log([...COUNTED, ...DIFF, ...range, '--', ...only]);
  }

  /** The files of the commit, generated ones left out. */
  async files(): Promise<readonly string[]> {
    const listing = await git(this.path, ['ls-tree', '-r', '-z', '--full-tree', '--name-only', this.head]);
    return listing.split('\0').filter((path) => path !== '' && !isGenerated(path));
  }

  private async log(args: readonly string[]): Promise<Commit[]> {
    return parseLog(await git(this.path, [...SETTINGS, ...LOG, FORMAT, ...args]));
  }
}

/** A hash short enough to read and long enough to be the only one. */
export function short(hash: string): string {
  return hash.slice(0, 10);
}

/** The command with which a person sees the lines that `changes(hashes)` counted. */
export function changesCommand(hashes: readonly string[]): string {
  const leftOut = GENERATED.map((ending) => `':!*${ending}'`).join(' ');
  const listed = hashes.map(short).join(' ');
  return `git log --no-walk --numstat --no-renames --format='%h %ae %as' ${listed} -- ${leftOut}`;
}

function isGenerated(path: string): boolean {
  return GENERATED.some((ending) => path.endsWith(ending));
}

/** `-z` output: hash, author, day and message, then one field a file; only a file's field has tabs in front. */
function parseLog(output: string): Commit[] {
  const fields = output.split('\0');
  const commits: Commit[] = [];
  let at = 0;
  while (at + 3 < fields.length) {
    const [hash, author, day, message] = fields.slice(at, at + 4) as [string, string, string, string];
    at += 4;
    const files: FileChange[] = [];
    for (let change = parseChange(fields[at]); change; change = parseChange(fields[at])) {
      if (!isGenerated(change.path)) files.push(change);
      at += 1;
    }
    commits.push({ hash, author, day, message: message.trim(), files });
  }
  return commits;
}

/** `added<tab>deleted<tab>path`, with `-` for both counts of a binary file. */
function parseChange(field = ''): FileChange | undefined {
  const [, added, deleted, path] = /^\n?(\d+|-)\t(\d+|-)\t(.+)$/s.exec(field) ?? [];
  if (path === undefined) return undefined;
  return { path, lines: added === '-' ? 0 : Number(added) + Number(deleted) };
}

async function git(path: string, args: readonly string[]): Promise<string> {
  try {
    const options = { env: environment(), maxBuffer: OUTPUT_BYTES };
    const { stdout } = await promisify(execFile)('git', ['-C', path, '--no-pager', ...args], options);
    return stdout;
  } catch (error) {
    throw new NoHistoryError(reasonOf(error as Error & { code?: unknown; stderr?: string }), {
      cause: error,
    });
  }
}

/** Ours without the `GIT_…` that would point to another repository, and without a reason to use the network. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(own), LC_ALL: 'C', GIT_NO_LAZY_FETCH: '1', GIT_TERMINAL_PROMPT: '0' };
}

function reasonOf(error: Error & { code?: unknown; stderr?: string }): string {
  if (error.code === 'ENOENT') return 'git was not found; install it, or put it on the PATH';
  return error.stderr?.split('\n')[0]?.replace(/^fatal: /, '') || error.message;
}
