/**
 * `npm run test:instances`: two real servers over one PostgreSQL database, used and killed, and a check that no update is
 * lost or doubled. Exits with 0 when all holds, 1 when not, 2 when it was called wrongly.
 */

import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serverCommand, teller, wholeNumber } from '../crash/command-line.js';
import { freshDatabase } from '../postgres/fresh-database.js';
import startPostgres from '../postgres/start-postgres.js';
import stopPostgres from '../postgres/stop-postgres.js';
import { type InstancesResult, type Progress, runInstances } from './instances-run.js';

const HELP = `Usage: npm run test:instances -- [options]

Starts two servers over one PostgreSQL database and lets eight writers and four readers loose on them, half on each, all
on the same sessions. A server is killed (SIGKILL) in the middle and started again. In the end every command that was
acknowledged has to be there once, with its events in one piece; what was cut off, at most once; what was read has to be
the beginning of what there is, and never less than before; every log has to verify; both servers have to tell the same.

  --operations N    how many requests of all clients together (default 20000)
  --kills N         how many kills, at even distances, now of the one server and now of the other (default 1)
  --seed S          a whole number from which the requests are drawn (default: random)
  --server COMMAND  another command that starts a server (default: node dist/main.js). One that has to be found out,
                    because it locks no row: "node dist-test/test/instances/server-without-lock.js"
  --help            this text

The database is made on a server of PostgreSQL that is started for it, or on that of DATABASE_URL, and dropped.

The same seed brings the same requests of each client. How those of several clients followed each other it does not bring
back: a fault that depends on that may need several runs to show again.
`;

interface Wish {
  readonly operations: number;
  readonly kills: number;
  readonly seed: number;
  readonly server: string | undefined;
}

function readWish(args: string[]): Wish | 'help' {
  const string = { type: 'string' } as const;
  const options = {
    operations: string,
    kills: string,
    seed: string,
    server: string,
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  if (values.help) return 'help';
  return {
    operations: wholeNumber('operations', values.operations, 20_000, 1),
    kills: wholeNumber('kills', values.kills, 1, 0),
    seed: wholeNumber('seed', values.seed, randomInt(1_000_000), 0),
    server: values.server,
  };
}

const say = (text: string) => process.stdout.write(text);

function summary({ operations, sessions, acknowledged, unknown, reads, killed }: Progress): string {
  return (
    `${operations} operations: ${sessions} sessions, ${acknowledged} commands acknowledged, ${unknown} cut off, ` +
    `${reads} reads; ${killed} killed`
  );
}

function report(result: InstancesResult, wish: Wish, seconds: string): number {
  if (process.stdout.isTTY) say('\r\x1b[K');
  say(`${summary(result)}; acknowledged by each server: ${result.byServer.join(' and ')}; ${seconds} s\n`);
  if (result.violations.length === 0) {
    say('No update is lost or doubled.\n');
    return 0;
  }
  for (const violation of result.violations) say(`- ${violation}\n`);
  const server = wish.server === undefined ? '' : ` --server ${JSON.stringify(wish.server)}`;
  const { operations, kills, seed } = wish;
  say(`${result.violations.length} violations. Again: `);
  say(`npm run test:instances -- --operations ${operations} --kills ${kills} --seed ${seed}${server}\n`);
  return 1;
}

async function run(wish: Wish): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'impact-session-instances-'));
  await startPostgres();
  try {
    const database = await freshDatabase();
    const command = serverCommand(wish.server);
    say(`${wish.operations} operations on two servers with seed ${wish.seed}\n`);
    const begun = performance.now();
    const options = { ...wish, databaseUrl: database.url, folder, command, onProgress: teller(summary) };
    const result = await runInstances(options);
    await database.drop();
    return report(result, wish, ((performance.now() - begun) / 1_000).toFixed(1));
  } finally {
    await stopPostgres();
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  let wish: Wish | 'help';
  try {
    wish = readWish(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`test:instances: ${(error as Error).message.split('\n')[0]}; see --help\n`);
    return 2;
  }
  if (wish !== 'help') return run(wish);
  say(HELP);
  return 0;
}

process.exitCode = await main();
