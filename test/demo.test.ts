/**
 * The example application as a command, on repositories made here. What it records is compared with what `git log`
 * says when it is asked in another way than the example asks.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FileStore } from '../src/session/store/file/file-store.js';

const MAIN = join(process.cwd(), 'dist-examples/assessment-pipeline/main.js');
const STEPS = [
  'requirement_submitted',
  'matches_selected',
  'modules_generated',
  'effort_estimated',
  'stories_generated',
  'code_impact_analyzed',
  'risks_identified',
];
const REQUIREMENT = 'Export the invoices of a customer as CSV';

// biome-ignore lint/suspicious/noExplicitAny: the documents are read as any JSON is
type Json = any;

let root: string;
let shop: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'demo-'));
  writeFileSync(join(root, '.gitconfig'), '');
  shop = makeShop();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('an assessment of a repository', () => {
  let run: ReturnType<typeof demo>;
  let session: Json;
  let outputs: Json;

  beforeAll(() => {
    run = demo('--repo', shop, '--requirement', REQUIREMENT);
    session = onlySession(run.data);
    outputs = session.outputs;
  });

  it('leaves a completed session with every step, its time and its output', () => {
    expect(run.code).toBe(0);
    expect(session.status).toBe('completed');
    expect(session.steps_completed).toEqual(STEPS);
    expect(Object.keys(session.timing)).toEqual(
      ['search', 'modules', 'effort', 'stories', 'code_impact', 'risks'].map((name) => `${name}_ms`),
    );
    expect(outputs.requirement).toEqual({ requirement_text: REQUIREMENT });
  });

  it('prints what it recorded, with the recorded durations, and where the session is', () => {
    for (const name of ['search', 'modules', 'effort', 'stories', 'code_impact', 'risks']) {
      const line = run.stdout.split('\n').find((text) => text.endsWith(outputs[name].finding));
      expect(line).toContain(`${session.timing[`${name}_ms`]} ms  `);
    }
    expect(run.stdout).toContain(`curl -s http://127.0.0.1:8000/session/${session.session_id}/audit | jq`);
  });

  it('counts the commits that `git log` lists, without merges', () => {
    expect(outputs.search.head).toBe(git(shop, 'rev-parse', 'HEAD')[0]);
    expect(outputs.search.commits).toBe(git(shop, 'rev-list', '--no-merges', 'HEAD').length);
  });

  it('finds the commits that `git log --grep` finds, by the command that it gives', () => {
    expect(outputs.search.words).toEqual(['export', 'invoice', 'customer', 'csv']);
    const grep = git(shop, 'log', '-P', '-i', '--no-merges', '--grep', '\\b(export|invoice|customer|csv\\b)');
    const found = grep.filter((line) => line.startsWith('commit ')).length;
    expect(found).toBe(5);
    expect(outputs.search.found).toBe(found);
    expect(shell(shop, outputs.search.trace)).toHaveLength(found);
  });

  it('selects the commits whose messages have most of the words', () => {
    const subjects = outputs.search.selected.map(({ subject }: Json) => subject);
    expect(subjects.slice(0, 2)).toEqual(['Export invoices as CSV', 'Quote CSV fields of exported invoices']);
    for (const { commit, subject, author, day } of outputs.search.selected)
      expect(git(shop, 'show', '-s', '--format=%ae %as %s', commit)).toEqual([`${author} ${day} ${subject}`]);
  });

  it('weighs the folders by the lines that `git log --numstat` shows, without lock files', () => {
    const changes = selectedChanges(shop, outputs);
    const lines = sum(changes.map((change) => change.lines));
    expect(changes.some(({ path }) => path.includes('lock'))).toBe(false);
    expect(outputs.modules.lines).toBe(lines);
    expect(outputs.modules.modules.length).toBe(new Set(changes.map(({ path }) => posix.dirname(path))).size);
    for (const module of outputs.modules.modules) {
      const inside = changes.filter(({ path }) => posix.dirname(path) === module.folder);
      expect(module.lines).toBe(sum(inside.map((change) => change.lines)));
      expect(module.files).toBe(new Set(inside.map(({ path }) => path)).size);
      expect(module.share).toBeCloseTo((100 * module.lines) / lines, 1);
    }
    expect(numstat(shell(shop, outputs.modules.trace))).toEqual(changes);
  });

  it("takes the hours from the share of each author's day", () => {
    const { author_days: days, total_hours, lines, first_day, last_day } = outputs.effort;
    expect(lines).toBe(outputs.modules.lines);
    const own = selectedDays(shop, outputs);
    expect(days.map(({ author, day }: Json) => `${day} ${author}`)).toEqual(own);
    for (const { author, day, lines: all, selected_lines: selected, hours } of days) {
      expect(all).toBe(linesOfDay(shop, author, day));
      expect(hours).toBeCloseTo((8 * selected) / all, 1);
    }
    expect(sum(days.map((day: Json) => day.selected_lines))).toBe(lines);
    expect(days.some((day: Json) => day.selected_lines < day.lines)).toBe(true);
    expect(total_hours).toBeCloseTo(sum(days.map((day: Json) => day.hours)), 1);
    expect([first_day, last_day]).toEqual([own[0]?.slice(0, 10), own.at(-1)?.slice(0, 10)]);
  });

  it('splits all the lines and hours over the stories', () => {
    const { stories, total_story_points } = outputs.stories;
    expect(sum(stories.map((story: Json) => story.lines))).toBe(outputs.modules.lines);
    expect(sum(stories.map((story: Json) => story.hours))).toBeCloseTo(outputs.effort.total_hours, 0);
    expect(total_story_points).toBe(sum(stories.map((story: Json) => story.story_points)));
    for (const { hours, story_points: points } of stories) {
      const least = [1, 2, 3, 5, 8, 13].find((fibonacci) => fibonacci * 4 >= hours);
      expect(points).toBe(least);
    }
  });

  it('lists what changed in the same commits as the touched files', () => {
    const touched = outputs.code_impact.touched.map(({ path }: Json) => path);
    const gone = selectedChanges(shop, outputs).filter(({ path }) => !touched.includes(path));
    expect(new Set(gone.map(({ path }) => path))).toEqual(new Set(['src/invoice/old export.js']));
    const near = new Set<string>(touched.flatMap((path: string) => commitsOf(shop, path)));
    expect(outputs.code_impact.together.map(({ path }: Json) => path)).toEqual(['src/page.js']);
    for (const { path, commits, examples } of outputs.code_impact.together) {
      const both = commitsOf(shop, path).filter((hash) => near.has(hash) && filesOf(shop, hash).length <= 50);
      expect(commits).toBe(both.length);
      for (const example of examples) expect(both.some((hash) => hash.startsWith(example))).toBe(true);
    }
  });

  it('calls hot what changed most, and one-authored what one person changed', () => {
    expect(outputs.risks.hot_files.map(({ path }: Json) => path)).toEqual(['docs/guide.md', 'src/page.js']);
    for (const { path, commits, authors } of outputs.risks.hot_files) {
      expect(commits).toBe(commitsOf(shop, path).length);
      expect(authors).toBe(authorsOf(shop, path).size);
    }
    const impacted = [...outputs.code_impact.touched, ...outputs.code_impact.together];
    const alone = impacted.map(({ path }: Json) => path).filter((path) => authorsOf(shop, path).size === 1);
    expect(new Set(outputs.risks.one_author)).toEqual(new Set(alone));
    expect(outputs.risks.one_author).not.toContain('src/invoice/export.js');
  });

  it('misses a test where no file of the tree is named as one', () => {
    expect(outputs.risks.without_test).toEqual(['src/invoice/csv.js', 'src/page.js']);
    const tree = git(shop, 'ls-tree', '-r', '--name-only', 'HEAD');
    expect(tree).toContain('test/export.test.js');
    expect(tree.filter((path) => path.includes('csv'))).toEqual(['src/invoice/csv.js']);
  });
});

describe('the answer', () => {
  it('is the same for the same repository', () => {
    expect(answer(shop)).toEqual(answer(shop));
  });

  it('is another for another repository', () => {
    const other = makeRepository('other');
    commit(other, 'ann', '2023-01-10', 'Import customers from CSV', { 'import.py': 30 });
    const [one, another] = [answer(shop), answer(other)];
    for (const name of ['search', 'modules', 'effort', 'stories', 'code_impact', 'risks'])
      expect(another[name].finding).not.toBe(one[name].finding);
    expect(another.modules.lines).toBe(30);
  });

  it('is the same in a folder of the repository, and whatever the environment and the settings of git say', () => {
    const usual = answer(shop);
    const home = mkdtempSync(join(root, 'home-'));
    const settings = [
      '[log]\n follow = true\n showRoot = false\n showSignature = true\n date = relative\n mailmap = true',
      '[diff]\n renames = copies\n algorithm = histogram\n relative = true\n noprefix = true',
      '[core]\n quotePath = true\n[color]\n ui = always\n[i18n]\n logOutputEncoding = ISO-8859-1',
    ];
    writeFileSync(join(home, '.gitconfig'), settings.join('\n'));
    const environment = { HOME: home, GIT_DIR: join(root, 'nowhere') };
    expect(answer(join(shop, 'src'), environment)).toEqual(usual);
  });
});

describe('what cannot be assessed', () => {
  it('a folder without git history ends the session in error, with the cause in the trail', () => {
    const empty = mkdtempSync(join(root, 'empty-'));
    const { code, stderr, data } = demo('--repo', empty);
    const session = onlySession(data);
    expect(code).toBe(1);
    expect(session.status).toBe('error');
    expect(session.error).toMatchObject({ error: 'NoHistoryError' });
    expect(session.error.message).toMatch(/^not a git repository/);
    expect(stderr).toBe(`${session.session_id} ended in error: ${session.error.message}\n`);
    const failure = eventsOf(data).find(({ data: { to } }) => to === 'error');
    expect(failure).toMatchObject({ actor: 'search', data: { error: session.error } });
  });

  it('a repository without commits says so', () => {
    const { code, data } = demo('--repo', makeRepository('unborn'), '--requirement', REQUIREMENT);
    expect(code).toBe(1);
    expect(onlySession(data).error.message).toBe('the repository has no commits yet');
  });

  it('a machine without git says so', () => {
    const { code, data } = runDemo(['--repo', shop, '--requirement', REQUIREMENT], { PATH: root });
    expect(code).toBe(1);
    expect(onlySession(data).error.message).toMatch(/^git was not found/);
  });

  it('a requirement that no commit has a word of ends in error, and the next one is still assessed', () => {
    const { code, data } = demo('--repo', shop, '--requirement', 'Zzyzx', '--requirement', REQUIREMENT);
    const sessions = sessionsOf(data);
    expect(code).toBe(1);
    expect(sessions.map(({ status }) => status).sort()).toEqual(['completed', 'error']);
    expect(sessions.find(({ status }) => status === 'error').error.message).toMatch(
      /^no past commit matches: none of \d+ has one of the words zzyzx$/,
    );
  });

  it('a data folder that cannot be used is one line, and exit code 1', () => {
    const { code, stdout, stderr } = demo('--repo', shop, '--data', join(root, '.gitconfig'));
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toContain('.gitconfig');
    expect(stderr).toContain('choose another one (--data PATH)');
  });

  it('a data folder that a server holds is refused, and how to name another one is said', async () => {
    const held = mkdtempSync(join(root, 'held-'));
    const store = await FileStore.open({ path: held });
    const { code, stdout, stderr } = demo('--repo', shop, '--data', held);
    await store.close();
    expect([code, stdout]).toEqual([1, '']);
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/is held by process \d+ .* or choose another folder \(--data PATH\); [^\n]+\n$/);
  });

  it('an argument that is not known is refused before anything is done', () => {
    const { code, stderr, data } = demo('--repository', shop);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Unknown option '--repository'.*\n$/);
    expect(readdirSync(data)).toEqual([]);
  });
});

it('prints the events themselves with --json, one a line', () => {
  const { stdout, data } = demo('--repo', shop, '--requirement', REQUIREMENT, '--json');
  const printed = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(printed).toEqual(eventsOf(data));
});

it('prints no control character that a requirement brings', () => {
  const { stdout } = demo('--repo', shop, '--requirement', 'Export \u001b[2J invoices');
  expect(stdout).not.toContain('\u001b');
});

/** A repository with all that makes reading a history hard: a rename, a merge, binary, generated and mass changes. */
function makeShop(): string {
  const repo = makeRepository('shop');
  commit(repo, 'ann', '2024-01-08', 'First page of the shop', { 'src/page.js': 40, 'docs/guide.md': 5 });
  commit(repo, 'ann', '2024-01-09', 'Export invoices as CSV', {
    'src/invoice/old export.js': 60,
    'src/invoice/csv.js': 25,
    'docs/guide.md': 8,
    'package-lock.json': 900,
  });
  commit(repo, 'ann', '2024-01-09', 'Style the page', { 'src/page.js': 55, 'docs/guide.md': 9 });
  git(repo, 'mv', 'src/invoice/old export.js', 'src/invoice/export.js');
  commit(repo, 'bob', '2024-02-01', 'Name the export of an invoice', { 'test/export.test.js': 20 });
  commit(repo, 'bob', '2024-02-02', 'Quote CSV fields of exported invoices', {
    'src/invoice/csv.js': 31,
    'src/invoice/logo.png': Buffer.from([0, 1, 2, 0]),
  });
  git(repo, 'checkout', '-q', '-b', 'side', 'HEAD~1');
  commit(repo, 'cy', '2024-02-03', 'Customers can be listed', { 'src/customer/list.js': 12 });
  git(repo, 'checkout', '-q', '-');
  git(repo, '-c', 'user.name=bob', '-c', 'user.email=bob@x', 'merge', '-q', '-m', 'Merge customers', 'side');
  commit(repo, 'ann', '2024-03-01', 'Export from the page', {
    'src/invoice/export.js': 66,
    'src/page.js': 57,
  });
  for (const day of [4, 5, 6, 7])
    commit(repo, 'ann', `2024-03-0${day}`, 'Write the guide', {
      'docs/guide.md': 10 + day,
      'src/page.js': 60 + day,
    });
  const drafts = Array.from({ length: 50 }, (_, number) => `docs/drafts/${number}.md`);
  for (const day of ['2024-03-08', '2024-03-09']) {
    const files = Object.fromEntries(drafts.map((path) => [path, Number(day.slice(-1))]));
    commit(repo, 'bob', day, 'Reword everything', { ...files, 'docs/guide.md': Number(day.slice(-1)) });
  }
  return repo;
}

function makeRepository(name: string): string {
  const repo = mkdtempSync(join(root, `${name}-`));
  git(repo, 'init', '-q');
  return repo;
}

/** Commits files of so many lines, all of which are new in that commit, or of so many bytes. */
function commit(
  repo: string,
  who: string,
  day: string,
  message: string,
  files: Record<string, number | Buffer>,
) {
  for (const [path, size] of Object.entries(files)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    const lines = (count: number) => Array.from({ length: count }, (_, line) => `${path} ${line}\n`).join('');
    writeFileSync(join(repo, path), typeof size === 'number' ? lines(size) : size);
  }
  git(repo, 'add', '-A');
  const date = `${day}T12:00:00+0100`;
  const identity = { NAME: who, EMAIL: `${who}@x`, DATE: date };
  const both = ['AUTHOR', 'COMMITTER'].flatMap((role) =>
    Object.entries(identity).map(([name, value]) => [`GIT_${role}_${name}`, value]),
  );
  execFileSync('git', ['-C', repo, 'commit', '-q', '-m', message], {
    env: { ...plainEnvironment(), ...Object.fromEntries(both) },
  });
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GIT_') && !/^(NODE_|npm_)/.test(name),
  );
  return { ...Object.fromEntries(own), HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
}

/** The lines that git prints. */
function git(repo: string, ...args: string[]): string[] {
  return linesOf(
    execFileSync('git', ['-C', repo, '--no-pager', ...args], { encoding: 'utf8', env: plainEnvironment() }),
  );
}

function shell(repo: string, command: string): string[] {
  return linesOf(
    execFileSync('sh', ['-c', command], { cwd: repo, encoding: 'utf8', env: plainEnvironment() }),
  );
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function demo(...args: string[]) {
  return runDemo(args, {});
}

function runDemo(args: string[], environment: NodeJS.ProcessEnv) {
  const data = mkdtempSync(join(root, 'data-'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--data', data, ...args], {
    encoding: 'utf8',
    env: { ...plainEnvironment(), ...environment },
  });
  return { code: status, stdout, stderr, data };
}

function answer(repo: string, environment: NodeJS.ProcessEnv = {}): Json {
  return onlySession(runDemo(['--repo', repo, '--requirement', REQUIREMENT], environment).data).outputs;
}

function foldersOf(data: string): string[] {
  const days = readdirSync(data).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name));
  return days.flatMap((day) => readdirSync(join(data, day)).map((id) => join(data, day, id)));
}

function sessionsOf(data: string): Json[] {
  return foldersOf(data).map((folder) =>
    JSON.parse(readFileSync(join(folder, 'session_metadata.json'), 'utf8')),
  );
}

function onlySession(data: string): Json {
  const sessions = sessionsOf(data);
  expect(sessions).toHaveLength(1);
  return sessions[0];
}

function eventsOf(data: string): Json[] {
  const [folder] = foldersOf(data);
  return linesOf(readFileSync(join(folder as string, 'events.jsonl'), 'utf8')).map((line) =>
    JSON.parse(line),
  );
}

function numstat(lines: readonly string[]): { path: string; lines: number }[] {
  return lines
    .map((line) => /^(\d+|-)\t(\d+|-)\t(.+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, added, deleted, path]) => ({
      path: path as string,
      lines: added === '-' ? 0 : Number(added) + Number(deleted),
    }));
}

const isLock = (path: string) => path === 'package-lock.json';

function selectedChanges(repo: string, outputs: Json) {
  const hashes = outputs.search.selected.map(({ commit }: Json) => commit);
  const shown = git(repo, 'log', '--no-walk', '--no-renames', '--numstat', '--format=', ...hashes);
  return numstat(shown).filter(({ path }) => !isLock(path));
}

function selectedDays(repo: string, outputs: Json): string[] {
  const hashes = outputs.search.selected.map(({ commit }: Json) => commit);
  return [...new Set(git(repo, 'log', '--no-walk', '--format=%as %ae', ...hashes))].sort();
}

function linesOfDay(repo: string, author: string, day: string): number {
  const range = ['--since', `${day}T00:00:00+0100`, '--until', `${day}T23:59:59+0100`, '--author', author];
  const shown = git(repo, 'log', '--no-merges', '--no-renames', '--numstat', '--format=', ...range);
  return sum(
    numstat(shown)
      .filter(({ path }) => !isLock(path))
      .map((change) => change.lines),
  );
}

function commitsOf(repo: string, path: string): string[] {
  return git(repo, 'log', '--no-merges', '--full-history', '--format=%H', 'HEAD', '--', path);
}

function filesOf(repo: string, hash: string): string[] {
  return git(repo, 'show', '--format=', '--name-only', '--no-renames', hash);
}

function authorsOf(repo: string, path: string): Set<string> {
  return new Set(git(repo, 'log', '--no-merges', '--full-history', '--format=%ae', 'HEAD', '--', path));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
