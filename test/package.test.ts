/**
 * The package as a stranger gets it: packed, installed into another Nest application beside its own Nest, compiled and
 * run. Commands, settings and application are the README's, to the letter.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readmeBlock } from './readme.js';

/** A stranger's npm knows nothing of how ours was told to run this test. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  ...{ npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' },
};
const run = (file: string, args: string[], options: { cwd?: string } = {}) =>
  promisify(execFile)(file, args, { env, ...options });
const INSTALL_MS = 240_000;

const application = readmeBlock('ts', 'SessionModule');
/** The README's application listens on 8000, which may be taken, and runs until it is stopped. */
const runnable = `${application.replace('listen(8000,', 'listen(0,')}
const url = await app.getUrl();
const text = async (path: string, init?: RequestInit) => {
  const answer = await fetch(url + path, init);
  return \`\${answer.status} \${await answer.text()}\`;
};
const create = (type: string, body: string) =>
  text('/session/create', { method: 'POST', body, headers: { 'content-type': type } });
console.log(await text(\`/session/\${session_id}/audit\`));
console.log(await create('application/json', '{'));
console.log(await create('application/json', JSON.stringify({ user_id: 'x'.repeat(100 * 1024) })));
console.log(await create('application/x-www-form-urlencoded', JSON.stringify({ user_id: 'x' })));
console.log(await text('/docs'));
await app.close();
`;
/** A test of a module that keeps its sessions in memory, and what was loaded of `expect` for that, which need not be there. */
const keeping = `
import { createRequire } from 'node:module';
import { MemoryStore } from 'impact-session/testing';
console.log(await new MemoryStore().health());
const { cache } = createRequire(import.meta.url);
console.log(Object.keys(cache).filter((path) => path.includes('node_modules/expect/')));
`;
/** What the README's settings leave to the user's taste: whoever has these on can use the package, too. */
const STRICTER = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];

let consumer: string;
let packed: string[];

/** The project as a clone has it, beside what an old build left: `npm pack` has to compile, and to clean before. */
async function clone(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  const names = [
    'package.json',
    'README.md',
    '.env.example',
    'nest-cli.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'bin',
    'docs',
    'src',
  ];
  for (const name of names) await cp(name, join(folder, name), { recursive: true });
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, 'dist/session'), { recursive: true });
  for (const name of ['gone.js', 'session/gone.d.ts']) await writeFile(join(folder, 'dist', name), '');
  return folder;
}

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'consumer-'));
  const source = await clone();
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', consumer], {
    cwd: source,
  });
  await rm(source, { recursive: true });
  const report = JSON.parse(stdout);
  const [{ files }] = Array.isArray(report) ? report : Object.values<never>(report);
  packed = (files as { path: string }[]).map((file) => file.path);
  await run('bash', ['-e', '-c', readmeBlock('sh', 'npm pkg set')], { cwd: consumer });
  await writeFile(join(consumer, 'tsconfig.json'), readmeBlock('json', 'compilerOptions'));
  await run('npm', ['install', '-D', 'expect'], { cwd: consumer });
  await writeFile(join(consumer, 'main.ts'), runnable);
  await writeFile(join(consumer, 'store.test.ts'), readmeBlock('ts', 'describeSessionStore'));
}, INSTALL_MS);

afterAll(() => rm(consumer, { recursive: true, force: true }));

describe('the package', () => {
  test('holds what was compiled, its documents, and nothing else', async () => {
    const others = packed.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
    const documents = (await readdir('docs', { recursive: true })).filter((path) => path.endsWith('.md'));
    expect(others.sort()).toEqual(
      [
        '.env.example',
        'README.md',
        'bin/impact-session.js',
        'package.json',
        ...documents.map((path) => `docs/${path}`),
      ].sort(),
    );
    expect(packed).toContain('dist/session/index.d.ts');
    expect(packed).toContain('dist/main.js');
  });

  test('holds nothing of an old build', () => {
    expect(packed.filter((path) => path.includes('gone'))).toEqual([]);
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

  test('compiles and runs in the README’s application, which takes a session to its results', async () => {
    const { stdout } = await run('bash', ['-e', '-c', readmeBlock('sh', 'node dist/main.js')], {
      cwd: consumer,
    });
    const [said, audit, ...others] = stdout.trim().split('\n') as [string, string];
    expect(said).toMatch(/^requirement_submitted \[ 'effort' \] \{ effort_ms: \d+ \}$/);
    expect(audit.slice(0, 4)).toBe('200 ');
    expect(JSON.parse(audit.slice(4))).toMatchObject({
      status: 'requirement_submitted',
      data: { outputs: { effort: { total_hours: 3 } }, user_id: 'analyst@company.com' },
    });
    // What the README says of such an application: its bodies are read by Nest, and the server's routes are not there.
    expect(others).toEqual([
      expect.stringMatching(/^400 /),
      expect.stringMatching(/^413 /),
      expect.stringMatching(/^200 .*"user_id":null/),
      expect.stringMatching(/^404 /),
    ]);
  });

  test('brings the contract of a store as a suite that runs in another runner', async () => {
    const { stdout } = await run('bash', ['-e', '-c', readmeBlock('sh', 'node --test')], { cwd: consumer });
    const counted = (what: string) => Number(new RegExp(`^. ${what} (\\d+)$`, 'm').exec(stdout)?.[1]);
    expect(counted('pass')).toBeGreaterThan(100);
    expect([counted('fail'), counted('skipped'), counted('todo')]).toEqual([0, 0, 0]);
  });

  test('brings a store in memory that needs no package for tests', async () => {
    const asking = run(process.execPath, ['--input-type=module', '-e', keeping], { cwd: consumer });
    expect((await asking).stdout).toBe('{ writable: true }\n[]\n');
  });

  test('type-checks with the strictest settings', async () => {
    await run('npx', ['--no', '--', 'tsc', '--noEmit', ...STRICTER], { cwd: consumer });
  });

  test('brings the command line', async () => {
    const { stdout } = await run('npx', ['--no', '--', 'impact-session', '--help'], { cwd: consumer });
    expect(stdout).toContain('Usage: impact-session');
    // The application that ran before left its session here, and the one of the form.
    const verified = await run('npx', ['--no', '--', 'impact-session', 'verify', '--json'], {
      cwd: consumer,
    });
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, sessions: 2 });
  });

  test('offers nothing but its two exports', async () => {
    const deep = "import('impact-session/dist/session/session.service.js')";
    const asking = run(process.execPath, ['--input-type=module', '-e', `await ${deep}`], { cwd: consumer });
    await expect(asking).rejects.toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});
