/**
 * The package as a stranger gets it: packed, installed into another Nest application beside its own Nest, type-checked
 * with the strictest settings and run. The application is the README's, to the letter.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readmeBlocks } from './readme.js';

/** A stranger's npm knows nothing of how ours was told to run this test. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
const run = (file: string, args: string[], options: { cwd?: string } = {}) =>
  promisify(execFile)(file, args, { env, ...options });
const INSTALL_MS = 240_000;

const application = readmeBlocks().find((block) => block.language === 'ts')!.text;
/** The README's application listens on 8000, which may be taken, and runs until it is stopped. */
const runnable = `${application.replace('listen(8000,', 'listen(0,')}
const answer = await fetch(\`\${await app.getUrl()}/session/\${session_id}/audit\`);
console.log(JSON.stringify(await answer.json()));
await app.close();
`;

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    outDir: 'dist',
  },
  include: ['main.ts'],
};

let consumer: string;
let packed: string[];

/** The project as a clone has it: nothing is compiled yet, `npm pack` has to see to that. */
async function sourceOnly(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  const names = [
    'package.json',
    'README.md',
    'nest-cli.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'bin',
    'src',
  ];
  for (const name of names) await cp(name, join(folder, name), { recursive: true });
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'consumer-'));
  const source = await sourceOnly();
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', consumer], {
    cwd: source,
  });
  await rm(source, { recursive: true });
  const report = JSON.parse(stdout);
  const [{ filename, files }] = Array.isArray(report) ? report : Object.values<never>(report);
  packed = (files as { path: string }[]).map((file) => file.path);
  const dependencies = {
    'impact-session': `file:${filename}`,
    '@nestjs/common': '^12.0.0',
    '@nestjs/core': '^12.0.0',
    '@nestjs/platform-express': '^12.0.0',
    'reflect-metadata': '^0.2.0',
    rxjs: '^7.8.0',
    '@types/node': '^20',
  };
  await writeFile(
    join(consumer, 'package.json'),
    JSON.stringify({ type: 'module', private: true, dependencies }),
  );
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  await writeFile(join(consumer, 'main.ts'), runnable);
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: consumer });
}, INSTALL_MS);

afterAll(() => rm(consumer, { recursive: true, force: true }));

describe('the package', () => {
  test('holds what was compiled, its description, and nothing else', () => {
    const others = packed.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(['README.md', 'bin/impact-session.js', 'package.json']);
    expect(packed).toContain('dist/session/index.d.ts');
    expect(packed).toContain('dist/main.js');
  });

  test('brings no second Nest', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--json', '@nestjs/core', '@nestjs/common'], {
      cwd: consumer,
    });
    const versions = [...stdout.matchAll(/"@nestjs\/core": \{\s+"version": "([^"]+)"/g)].map(
      ([, version]) => version,
    );
    const { dependencies } = JSON.parse(
      await readFile(join(consumer, 'node_modules/impact-session/package.json'), 'utf8'),
    );
    expect(new Set(versions).size).toBe(1);
    expect(Object.keys(dependencies).filter((name) => name.startsWith('@nestjs/'))).toEqual([]);
  });

  test('type-checks and runs in the README’s application, which takes a session to its results', async () => {
    await run(process.execPath, [resolve('node_modules/typescript/bin/tsc')], { cwd: consumer });
    const { stdout } = await run(process.execPath, ['dist/main.js'], { cwd: consumer });
    const [said, answered] = stdout.trim().split('\n') as [string, string];
    expect(said).toMatch(/^requirement_submitted \[ 'effort' \] \{ effort_ms: \d+ \}$/);
    expect(JSON.parse(answered)).toMatchObject({
      status: 'requirement_submitted',
      data: { outputs: { effort: { total_hours: 3 } }, user_id: 'analyst@company.com' },
    });
  });

  test('brings the command line', async () => {
    const { stdout } = await run('npx', ['--no', '--', 'impact-session', '--help'], { cwd: consumer });
    expect(stdout).toContain('Usage: impact-session');
    // The application that ran before left a session here.
    const verified = await run('npx', ['--no', '--', 'impact-session', 'verify', '--json'], {
      cwd: consumer,
    });
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, sessions: 1 });
  });

  test('offers nothing but its one export', async () => {
    const deep = "import('impact-session/dist/session/session.service.js')";
    const asking = run(process.execPath, ['--input-type=module', '-e', `await ${deep}`], { cwd: consumer });
    await expect(asking).rejects.toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});
