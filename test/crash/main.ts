/**
 * `npm run test:crash`: kills a real server at random moments, again and again, and checks that nothing which it had
 * acknowledged is lost. Exits with 0 when all holds, 1 when not, 2 when it was called wrongly.
 */

import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isEmpty, serverCommand, teller, wholeNumber } from './command-line.js';
import { type CrashResult, type Progress, runCrashes } from './crash-run.js';

const HELP = `Usage: npm run test:crash -- [options]

Starts the server, lets clients loose on it, kills it at a random moment and starts it again: in each round on the same
data folder. After each start every event that was acknowledged has to be there once, every log has to verify, no view
may be torn or ahead of its log, and the list has to agree with the sessions.

  --rounds N        how many kills (default 10)
  --seed S          a whole number from which the requests and the moments of the kills are drawn (default: random)
  --folder DIR      an empty or new folder to work in; it stays (default: a temporary one, which stays if a check fails)
  --server COMMAND  another command that starts a server, with spaces between its arguments (default: node dist/main.js)
  --help            this text

A kill seldom hits the middle of a write. So after some kills the end of a log is torn on purpose, as such a kill would
leave it: half a line behind what was acknowledged.

The same seed brings the same requests of each client and the same moments of the kills, counted in acknowledgements and
milliseconds. It does not bring back what the machine's scheduler and its disk did meanwhile: how the requests of several
clients followed each other, and so which sessions they met on. A fault that depends on that may need several runs to
show again.
`;

interface Wish {
  readonly rounds: number;
  readonly seed: number;
  readonly folder: string | undefined;
  readonly server: string | undefined;
}

function readWish(args: string[]): Wish | 'help' {
  const string = { type: 'string' } as const;
  const options = {
    rounds: string,
    seed: string,
    folder: string,
    server: string,
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  if (values.help) return 'help';
  const { folder, server } = values;
  const wish = {
    rounds: wholeNumber('rounds', values.rounds, 10, 1),
    seed: wholeNumber('seed', values.seed, randomInt(1_000_000), 0),
    folder,
    server,
  };
  if (folder !== undefined && !isEmpty(folder))
    throw new Error(`--folder should be empty or new, and ${folder} is not`);
  return wish;
}

const say = (text: string) => process.stdout.write(text);

function summary(progress: Progress): string {
  const { round, sessions, acknowledged, unknown, reads, torn, killed, killedStarting, stopped } = progress;
  return (
    `round ${round}: ${killed} killed, ${killedStarting} killed while starting, ${stopped} stopped; ` +
    `${sessions} sessions, ${acknowledged} commands acknowledged, ${unknown} cut off, ${reads} reads, ${torn} torn tails`
  );
}

function report(result: CrashResult, wish: Wish, folder: string, seconds: string): number {
  if (process.stdout.isTTY) say('\r\x1b[K');
  say(`${summary(result)}; ${seconds} s\n`);
  if (result.violations.length === 0) {
    say('Nothing that was acknowledged is lost.\n');
    return 0;
  }
  for (const violation of result.violations) say(`- ${violation}\n`);
  const server = wish.server === undefined ? '' : ` --server ${JSON.stringify(wish.server)}`;
  say(`${result.violations.length} violations. The folder stays: ${folder}\n`);
  say(`Again: npm run test:crash -- --rounds ${wish.rounds} --seed ${wish.seed}${server}\n`);
  return 1;
}

async function main(): Promise<number> {
  let wish: Wish | 'help';
  try {
    wish = readWish(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`test:crash: ${(error as Error).message.split('\n')[0]}; see --help\n`);
    return 2;
  }
  if (wish === 'help') {
    say(HELP);
    return 0;
  }
  const { rounds, seed } = wish;
  const folder = resolve(wish.folder ?? mkdtempSync(join(tmpdir(), 'impact-session-crash-')));
  const command = serverCommand(wish.server);
  say(`${rounds} rounds with seed ${seed} in ${folder}\n`);
  const begun = performance.now();
  const result = await runCrashes({ rounds, seed, folder, command, onRound: teller(summary) });
  const code = report(result, wish, folder, ((performance.now() - begun) / 1_000).toFixed(1));
  if (code === 0 && wish.folder === undefined) rmSync(folder, { recursive: true });
  return code;
}

process.exitCode = await main();
