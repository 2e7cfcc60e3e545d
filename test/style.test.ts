/**
 * Keeps the house style that the formatter does not: files that fit a sitting, each saying why it exists, nothing
 * left half done, no test focused or left out, and documents that name only files which exist. Every check is a
 * function over text, tried on texts that fail.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = process.cwd();
const MAX_LINES = 400;

/** What is wrong with a text, each fault as a sentence; nothing when it is fine. */
type Check = (text: string) => readonly string[];

function filesUnder(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith(ending) && !path.includes('/fixtures/'));
}

function faultsOf(files: readonly string[], check: Check): string[] {
  return files.flatMap((path) =>
    check(readFileSync(join(root, path), 'utf8')).map((fault) => `${path} ${fault}`),
  );
}

const fitsASitting: Check = (text) => {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines > MAX_LINES ? [`has ${lines} lines: over ${MAX_LINES}, a file no longer fits a sitting`] : [];
};

const saysWhyItExists: Check = (text) => {
  const header = /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
  return /[a-z]{3}/.test(header) ? [] : ['does not start with a comment that says why the file exists'];
};

const isFinished: Check = (text) =>
  [...text.matchAll(/\b(TO[D]O|FIX[M]E|X[X]X)\b/g)].map(([mark]) => `is not finished: it says ${mark}`);

const runsEveryTest: Check = (text) =>
  [
    ...text.matchAll(
      /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo)\b|\b[xf](?:it|test|describe)(?=\()/g,
    ),
  ].map(([mark]) => `focuses a test or leaves one out: ${mark}`);

/** Paths from the project's root, whichever way a document leads there; not parts of longer paths and addresses. */
const PROJECT_PATH = /(?<![\w./@-])(?:\.{1,2}\/)*((?:src|test|docs|examples|bench)\/[\w./*-]*)/g;

const namesWhatExists: Check = (text) =>
  [...text.matchAll(PROJECT_PATH)]
    .map(([, path = '']) => path.replace(/\.+$/, ''))
    .filter((path) => !existsSync(join(root, withoutPattern(path))))
    .map((path) => `names ${path}, which does not exist`);

/** Of a pattern (`docs/decisions/NNNN-*.md`), the folder that has to be there. */
function withoutPattern(path: string): string {
  const start = path.search(/\*|NNNN/);
  return start < 0 ? path : path.slice(0, path.lastIndexOf('/', start));
}

const src = filesUnder('src', '.ts');
const tests = filesUnder('test', '.ts');
const examples = filesUnder('examples', '.ts');
const bench = filesUnder('bench', '.ts');
const documents = [
  ...['README.md'].filter((path) => existsSync(join(root, path))),
  ...filesUnder('docs', '.md'),
];

interface HouseRule {
  readonly sentence: string;
  readonly files: readonly string[];
  readonly check: Check;
  readonly wrong: readonly string[];
  readonly fine: readonly string[];
}

const HEADER = '/**\n * Why this file exists.\n */\n';
/** Half of a word at a time, so that this file does not break its own rules. */
const half = (first: string, second: string) => `${first}${second}`;

const houseRules: readonly HouseRule[] = [
  {
    sentence: `No file of src or bench is over ${MAX_LINES} lines.`,
    files: [...src, ...bench],
    check: fitsASitting,
    wrong: ['\n'.repeat(MAX_LINES + 1), `${'\n'.repeat(MAX_LINES)}the last line`],
    fine: ['\n'.repeat(MAX_LINES)],
  },
  {
    sentence: 'Every file of src and bench and every test says at its start why it exists.',
    files: [...src, ...bench, ...tests],
    check: saysWhyItExists,
    wrong: [
      '',
      "import 'x';\n",
      '/** */\n\nclass A {}\n',
      `import 'x';\n\n${HEADER}class A {}\n`,
      '// A note.\n',
    ],
    fine: [`${HEADER}\nclass A {}\n`, `#!/usr/bin/env node\n${HEADER}\nmain();\n`],
  },
  {
    sentence: 'Nothing is left half done.',
    files: [...src, ...bench, ...tests, ...examples],
    check: isFinished,
    wrong: [half('// TO', 'DO: limits'), half('/* FIX', 'ME */'), half('// X', 'XX')],
    fine: ['// Done.', "const todo = ['a'];"],
  },
  {
    sentence: 'No test is focused, and none is left out.',
    files: [...tests, ...examples],
    check: runsEveryTest,
    wrong: [
      half('test.on', "ly('a', run)"),
      half('describe.sk', "ip('a', run)"),
      half('test.concurrent.on', "ly('a', run)"),
      half('const maybe = isRoot ? test : test.sk', 'ip;'),
      half('test.to', "do('a')"),
      half('x', "it('a', run)"),
      half('f', "describe('a', run)"),
    ],
    fine: ["test('a', run)", 'await exit(1)', 'they fit (as said)'],
  },
  {
    sentence: 'README.md and docs/ name only files that exist.',
    files: documents,
    check: namesWhatExists,
    wrong: [
      'See `src/nowhere.ts`.',
      '[why](../src/session/no-such-file.ts)',
      'in docs/NOTHING.md.',
      'no-such/, test/gone/*.ts',
    ],
    fine: [
      'See `src/session/` and src/session/index.ts.',
      'test/NNNN-*.md, test/*.test.ts',
      'https://github.com/nobody/nothing/blob/main/src/nowhere.ts',
    ],
  },
];

describe('The house style', () => {
  test.each(houseRules)('$sentence', ({ files, check }) => {
    expect(faultsOf(files, check)).toEqual([]);
  });

  test.each(houseRules)('is kept by a check that can fail: $sentence', ({ check, wrong, fine }) => {
    expect(wrong.filter((text) => check(text).length === 0)).toEqual([]);
    expect(fine.flatMap(check)).toEqual([]);
  });

  test('has a map of every file of src, and of no other', () => {
    const map = readFileSync('docs/ARCHITECTURE.md', 'utf8').matchAll(/^(src\/\S+\.ts) /gm);
    expect([...map].map(([, path]) => path).sort()).toEqual([...src].sort());
  });

  test('has a map of every file of test and bench, or of the folder that it is in', () => {
    const map = readFileSync('docs/ARCHITECTURE.md', 'utf8');
    const entries = new Set([...tests, ...bench].map((path) => /^\w+\/[^/]+\/?/.exec(path)![0]));
    // A line of its own, or, for a file, a word in the text.
    const isNamed = (path: string) => map.includes(`\n${path} `) || map.includes(`\`${path}\``);
    expect([...entries].filter((path) => !isNamed(path))).toEqual([]);
  });

  test('is looked for in the files of src and test', () => {
    expect(src).toContain('src/session/index.ts');
    expect(tests).toContain('test/style.test.ts');
    expect(tests.filter((path) => path.includes('fixtures'))).toEqual([]);
  });
});
