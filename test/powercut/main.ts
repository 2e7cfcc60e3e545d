/**
 * `npm run test:powercut`: cuts the power of a real file system under a real server, again and again, and checks that
 * nothing which the server had acknowledged is lost. Exits with 0 when all holds, 1 when not, 2 when it could not be
 * tried.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../random.js';
import { Clients } from './clients.js';
import { canMake, FILESYSTEMS, type Filesystem, LoopDisk, missingFor } from './loop-disk.js';

const HELP = `Usage: npm run test:powercut -- [options]

Makes a file system in a file, starts the server on it under load, cuts the file system's power at a random moment,
mounts it again and starts the server again: everything that was acknowledged has to be there, every log has to verify,
and the list has to agree with the sessions. Needs root, loop devices, mkfs and xfs_io (Debian: xfsprogs).

  --rounds N         how many cuts on each file system (default 5)
  --filesystem NAME  ext4 or xfs (default: each that this machine can make)
  --seed S           a whole number from which requests and moments are drawn (default: random)
  --server COMMAND   another command that starts a server (default: node dist/main.js). One that has to be found out,
                     because it never syncs: "node dist-test/test/powercut/server-without-sync.js"
`;
const CLIENTS = 12;
/** Of the load before a cut, in milliseconds. */
const [SHORTEST, LONGEST] = [200, 2_000];
const SERVES = / serves (http:\/\/\S+) from /;

interface Wish {
  readonly rounds: number;
  readonly seed: number;
  readonly filesystems: readonly Filesystem[];
  readonly server: readonly string[];
}

const say = (line: string) => process.stdout.write(`${line}\n`);
/** What has to be undone when the program ends, however it ends: the last first. */
const undo: (() => void)[] = [];

function readWish(): Wish | undefined {
  const string = { type: 'string' } as const;
  const options = {
    rounds: string,
    seed: string,
    filesystem: string,
    server: string,
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ options });
  if (values.help) return undefined;
  const number = (name: 'rounds' | 'seed', fallback: number) => {
    const text = values[name] ?? `${fallback}`;
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} should be a whole number, not "${text}"`);
    return Number(text);
  };
  const named = FILESYSTEMS.filter((name) => name === values.filesystem);
  if (values.filesystem !== undefined && named.length === 0)
    throw new Error(`--filesystem should be ${FILESYSTEMS.join(' or ')}, not "${values.filesystem}"`);
  const made = FILESYSTEMS.filter(canMake);
  return {
    rounds: number('rounds', 5),
    seed: number('seed', Math.floor(Math.random() * 1_000_000)),
    filesystems: named.length > 0 ? named : made.length > 0 ? made : FILESYSTEMS,
    server: values.server?.split(' ').filter(Boolean) ?? [process.execPath, resolve('dist/main.js')],
  };
}

interface Server {
  readonly url: string;
  kill(): Promise<void>;
}

async function startServer(command: readonly string[], dataFolder: string): Promise<Server> {
  const [program = '', ...args] = command;
  const told = { DATA_SESSIONS_PATH: dataFolder, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' };
  const env = { PATH: process.env.PATH, ...told };
  const child: ChildProcess = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  undo.push(() => child.kill('SIGKILL'));
  let output = '';
  const url = new Promise<string>((serves) => {
    const hear = (text: Buffer) => {
      output = `${output}${text}`.slice(-10_000);
      const address = SERVES.exec(output)?.[1];
      if (address) serves(address);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
  });
  const stopped = ended.then(() => Promise.reject(new Error(`the server does not start:\n${output}`)));
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  stopped.catch(() => undefined);
  return { url: await Promise.race([url, stopped]), kill };
}

/** What the cuts on one file system took away; empty when it was nothing. */
async function cutAgainAndAgain(
  filesystem: Filesystem,
  { rounds, seed, server: command }: Wish,
): Promise<string[]> {
  const draw = new Random(seed);
  const disk = new LoopDisk(filesystem);
  undo.push(() => disk.remove());
  const dataFolder = join(disk.mountPoint, 'data');
  const clients = new Clients(draw);
  let server = await startServer(command, dataFolder);
  let faults: string[] = [];
  for (let round = 1; round <= rounds && faults.length === 0; round++) {
    const loaded = clients.load(server.url, CLIENTS);
    const moment = SHORTEST + draw.below(LONGEST - SHORTEST);
    await pass(moment);
    disk.cutPower();
    await server.kill();
    await loaded;
    disk.unmount();
    disk.mount();
    server = await startServer(command, dataFolder);
    faults = await clients.missing(server.url, dataFolder);
    const { acknowledgements, sessions } = clients;
    say(
      `${filesystem}, round ${round}: cut after ${moment} ms; so far ${acknowledgements} commands acknowledged in ${sessions} sessions; ${faults.length} faults`,
    );
  }
  await server.kill();
  disk.unmount();
  disk.remove();
  return faults;
}

async function run(wish: Wish): Promise<number> {
  const missing = missingFor(wish.filesystems);
  if (missing.length > 0) {
    process.stderr.write('test:powercut: no power was cut, and nothing is known. This machine lacks\n');
    for (const line of missing) process.stderr.write(`- ${line}\n`);
    return 2;
  }
  say(`${wish.rounds} cuts each on ${wish.filesystems.join(' and ')}, seed ${wish.seed}`);
  for (const filesystem of wish.filesystems) {
    const begun = performance.now();
    const faults = await cutAgainAndAgain(filesystem, wish);
    if (faults.length > 0) {
      for (const fault of faults.slice(0, 20)) say(`- ${fault}`);
      say(
        `${faults.length} faults. Again: npm run test:powercut -- --filesystem ${filesystem} --seed ${wish.seed}`,
      );
      return 1;
    }
    say(
      `${filesystem}: nothing that was acknowledged is lost; ${((performance.now() - begun) / 1_000).toFixed(1)} s`,
    );
  }
  return 0;
}

process.on('exit', () => {
  for (const last of undo.reverse()) last();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

try {
  const wish = readWish();
  if (wish) process.exitCode = await run(wish);
  else say(HELP);
} catch (error) {
  process.stderr.write(`test:powercut: ${(error as Error).message}\n`);
  process.exit(2);
}
