/** The README's calls and commands, made as they stand there on a server that starts as it says, give what stands there. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { IDEMPOTENCY_KEY_KEPT_MS } from '../src/session/domain/idempotency.js';
import { LIMITS, labelsRule, timingRule } from '../src/session/domain/session-rules.js';
import { readmeBlock, readmeBlocks } from './readme.js';

const run = promisify(execFile);
const ID_IN_README = readmeBlocks()
  .find((block) => block.language === 'json')!
  .text.match(/sess_\w+/)![0];

/** Each `curl` with the JSON block that follows it. */
const calls = readmeBlocks().flatMap((block, i, all) =>
  block.language === 'sh' && block.text.startsWith('curl')
    ? [{ curl: block.text.replace(/ \| jq\n$/, '\n'), answer: all[i + 1]!.text }]
    : [],
);

/** Each command of the command line with the block of what it prints. */
const commands = readmeBlocks().flatMap((block, i, all) =>
  block.language === 'sh' && block.text.startsWith('npx impact-session')
    ? [{ args: block.text.trim().split(' ').slice(2), printed: all[i + 1]!.text }]
    : [],
);

/** What differs from run to run, as what it is: ids, times, days, hashes. */
function withoutTheRun(text: string): string {
  return text
    .replace(/sess_\d{8}_\d{6}_(?!ffffff)[0-9a-f]{6}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z/g, '<time>')
    .replace(/\d{4}-\d\d-\d\d/g, '<day>')
    .replace(/[0-9a-f]{64}/g, '<hash>');
}

/** Columns are as wide as what stands in them, and a duration takes what it takes. */
const withoutDurations = (text: string) =>
  withoutTheRun(text)
    .replace(/\b\d+ ms\b/g, '<ms>')
    .replace(/(made anew in) [\d.]+ s/, '$1 <ms>')
    .replace(/ +/g, ' ');

let folder: string;
let url: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readme-'));
  const server = spawn(process.execPath, [resolve('dist/main.js')], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolveEnd) => server.once('exit', () => resolveEnd()));
  stop = async () => {
    server.kill('SIGTERM');
    await ended;
  };
  for await (const chunk of server.stdout) {
    const started = /serves (http:\S+) /.exec(String(chunk));
    if (!started) continue;
    url = started[1]!;
    break;
  }
});

afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

/** The bytes of the largest body that the server reads, found by trying: one of more is 413. */
async function largestBody(): Promise<number> {
  let [read, refused] = [1, 2 ** 24];
  while (refused - read > 1) {
    const bytes = Math.floor((read + refused) / 2);
    const { status } = await fetch(`${url}/session/create`, { method: 'POST', body: '['.repeat(bytes) });
    expect([413, 415]).toContain(status);
    if (status === 413) refused = bytes;
    else read = bytes;
  }
  return read;
}

describe('the README', () => {
  test('has five calls, three that find, count and verify what they left; and three commands', () => {
    expect(calls).toHaveLength(8);
    expect(commands).toHaveLength(3);
  });

  test('gives the real answers to its calls and commands, in order', async () => {
    let id = ID_IN_README;
    for (const { curl, answer } of calls) {
      const command = curl.replaceAll('http://localhost:8000', url).replaceAll(ID_IN_README, id);
      const { stdout } = await run('bash', ['-c', command]);
      expect(JSON.parse(withoutTheRun(stdout))).toEqual(JSON.parse(withoutTheRun(answer)));
      expect(Object.keys(JSON.parse(stdout))).toEqual(Object.keys(JSON.parse(answer)));
      if (curl.includes('/session/create')) id = JSON.parse(stdout).session_id;
    }
    for (const { args, printed } of commands) {
      const command = [resolve('dist/cli/main.js'), ...args.map((arg) => arg.replace(ID_IN_README, id))];
      const { stdout, stderr } = await run(process.execPath, command, { cwd: folder });
      expect(withoutDurations(stdout + stderr)).toBe(withoutDurations(printed));
    }
  });

  test('has a command of the example that works beside the server', async () => {
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@x', ...args], { cwd: folder });
    await git('init', '-q');
    await writeFile(join(folder, 'signature.ts'), 'export {};\n');
    await git('add', 'signature.ts');
    await git('commit', '-q', '-m', 'Sign the trail of a session');
    const example = resolve('dist-examples/assessment-pipeline/main.js');
    const command = readmeBlock('sh', 'npm run demo').replace('npm run demo --', `node ${example}`);
    const { stdout } = await run('bash', ['-c', command], { cwd: folder });
    expect(stdout).toMatch(/ completed /);
  });

  test('names the limits that hold', async () => {
    const readme = await readFile('README.md', 'utf8');
    const [, table] = /^\| what \| limit \|\n\|---\|---\|\n([\s\S]*?)\n\n/m.exec(readme)!;
    const { paths } = JSON.parse(await (await fetch(`${url}/docs-json`)).text());
    const page = (path: string) => {
      const { parameters } = paths[path].get;
      const { schema } = parameters.find(({ name }: { name: string }) => name === 'limit');
      return `| \`limit\` of \`GET ${path}\` | ${schema.minimum} to ${schema.maximum}; ${schema.default} when absent |`;
    };
    const number = (limit: number) => limit.toLocaleString('en');
    const key = /\^.*/.exec(labelsRule({ A: '' }, [])[0]!.msg)![0];
    const [timing] = timingRule({ a: 1 }, []);
    expect(table!.split('\n')).toEqual([
      `| body of a request | ${(await largestBody()) / 1024} KiB |`,
      `| depth of JSON | ${LIMITS.jsonDepth} objects and lists within each other; the body is the first |`,
      `| \`user_id\` | ${LIMITS.userIdLength} characters |`,
      `| labels of a session | ${LIMITS.labels} |`,
      `| key of a label | \`${key}\` |`,
      `| value of a label | ${number(LIMITS.labelValueLength)} characters |`,
      `| name of a step, a timing, an output | ${LIMITS.nameLength} characters; that of a timing ends in \`${timing!.msg.slice(-3)}\` |`,
      `| steps of a session | ${number(LIMITS.steps)} |`,
      `| timings of a session | ${number(LIMITS.timings)} |`,
      `| outputs of a session | ${LIMITS.outputBytes / 1024 ** 2} MiB together |`,
      `| events of a session | ${number(LIMITS.events)} |`,
      `| \`Idempotency-Key\` | ${LIMITS.idempotencyKeyLength} characters; kept for ${IDEMPOTENCY_KEY_KEPT_MS / 3_600_000} hours |`,
      page('/session'),
      page('/session/list'),
      page('/session/{session_id}/events'),
    ]);
  });

  test('names every variable of the configuration with its default, as .env.example does', async () => {
    const readme = await readFile('README.md', 'utf8');
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (?:`(.*?)`|\*\(empty\)\*) \|/gm)];
    const example = await readFile('.env.example', 'utf8');
    const settings = [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)];
    const named = (matches: RegExpMatchArray[]) =>
      matches.map(([, name, value]) => `${name}=${value ?? ''}`).sort();
    expect(named(rows)).toEqual(named(settings));
  });
});
