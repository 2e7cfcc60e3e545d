/**
 * Keeps the import rules of docs/ARCHITECTURE.md: they hold for src, and each of them can fail. For every rule of
 * .dependency-cruiser.cjs there is a small tree that breaks it, with `// offends` in every file that does.
 * What imports do not show (who reads the environment, the clock, randomness) is looked for in the text.
 */

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';

interface ImportRule {
  readonly name: string;
  readonly comment: string;
  readonly severity: string;
}
interface BrokenTree {
  readonly violations: readonly { readonly rule: string; readonly file: string }[];
  readonly report: string;
}

const root = process.cwd();
const treesFolder = join(root, 'test/fixtures/import-rules');
const configuration = createRequire(join(root, 'package.json'))('./.dependency-cruiser.cjs');
const rules = configuration.forbidden as readonly ImportRule[];
const run = promisify(execFile);

/** What a process of Node printed, whether or not it ended well. */
async function printed(...args: readonly string[]): Promise<string> {
  return run(process.execPath, [...args], { cwd: root, maxBuffer: 32 * 1024 * 1024 }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  );
}

/** Text without colours, and with single spaces, since dependency-cruiser wraps its sentences. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\s+/g, ' ');
}

function typescriptFiles(folder: string): string[] {
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join('src', path));
}

function offenders(tree: string): string[] {
  const marked = (path: string) => readFileSync(join(tree, path), 'utf8').startsWith('// offends');
  return typescriptFiles(tree).filter(marked).sort();
}

describe('The import rules', () => {
  let trees: Readonly<Record<string, BrokenTree>>;
  let report: string;

  beforeAll(async () => {
    const depcruise = 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs';
    const [ofTrees, ofSrc] = await Promise.all([
      printed(join(treesFolder, 'cruise.mjs')),
      printed(depcruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'src'),
    ]);
    trees = JSON.parse(ofTrees);
    report = ofSrc;
  });

  test('hold for src', () => {
    expect(stripVTControlCharacters(report)).toMatch(/no dependency violations found \([1-9]/);
  });

  test('have one offending tree each, and no other trees', () => {
    expect(Object.keys(trees).sort()).toEqual(rules.map(({ name }) => name).sort());
  });

  test.each(rules)('$name: $comment', ({ name, comment, severity }) => {
    const tree = trees[name];
    expect(severity).toBe('error');
    expect(new Set(tree?.violations.map(({ rule }) => rule))).toEqual(new Set([name]));
    const files = new Set(tree?.violations.map(({ file }) => file));
    expect([...files].sort()).toEqual(offenders(join(treesFolder, name)));
    expect(plain(tree?.report ?? '')).toContain(comment);
  });
});

/** A rule over the text of one file, with texts that break it and texts that keep it. */
interface TextRule {
  readonly sentence: string;
  readonly where: (path: string) => boolean;
  readonly forbidden: RegExp;
  readonly broken: readonly string[];
  readonly kept: readonly string[];
}

const textRules: readonly TextRule[] = [
  {
    sentence: 'Only src/config.ts reads the environment; everybody else is given what it needs.',
    where: (path) => path !== 'src/config.ts',
    forbidden:
      /\bprocess\s*(\?\.|\.|\[)\s*['"]?env\b|\bloadEnvFile\b|\benv\b[^}]*\}\s*=\s*process\b|['"](node:)?process['"]/,
    broken: [
      'const port = process.env.PORT;',
      "const port = process['env'].PORT;",
      'process.loadEnvFile();',
      'const { env } = process;',
      "import { env } from 'node:process';",
    ],
    kept: [
      "process.on('SIGTERM', stop);",
      'const { pid } = process;',
      'const environment = options.environment;',
    ],
  },
  {
    sentence: 'The domain reads no clock and draws no randomness; both come in as arguments.',
    where: (path) => path.startsWith('src/session/domain/'),
    forbidden:
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b|\b(random[A-Z]\w*|getRandomValues)\b|\bset(Timeout|Interval|Immediate)\b/,
    broken: [
      'const at = Date.now();',
      'const at = new Date();',
      'const id = randomBytes(3);',
      "import { randomUUID } from 'node:crypto';",
      'const id = Math.random();',
    ],
    kept: [
      'const at = new Date(now);',
      "import { createHash } from 'node:crypto';",
      '/** Some randomness. */',
    ],
  },
];

function breaks(rule: TextRule, path: string, text: string): boolean {
  return rule.where(path) && rule.forbidden.test(text);
}

describe('What imports do not show', () => {
  test.each(textRules)('$sentence', (rule) => {
    const files = typescriptFiles(root);
    expect(files.length).toBeGreaterThan(0);
    const faults = files.filter((path) => breaks(rule, path, readFileSync(join(root, path), 'utf8')));
    expect({ sentence: rule.sentence, faults }).toEqual({ sentence: rule.sentence, faults: [] });
  });

  test.each(textRules)('is found by the rule: $sentence', (rule) => {
    const path = 'src/session/domain/session.ts';
    expect(rule.broken.filter((text) => !breaks(rule, path, text))).toEqual([]);
    expect(rule.kept.filter((text) => breaks(rule, path, text))).toEqual([]);
  });

  test('src/config.ts is where the environment is read', () => {
    expect(breaks(textRules[0] as TextRule, 'src/config.ts', 'process.env')).toBe(false);
  });
});
