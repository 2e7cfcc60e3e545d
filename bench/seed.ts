/**
 * `npm run bench:seed`: makes a data folder, or fills a database, with as many sessions as wanted, for measurements and for
 * trying things out at size.
 */

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { count, duration } from '../dist/cli/text.js';
import { DAY, failOn, wholeNumber } from './command-line.js';
import { dataFolderOf } from './data-set/data-set.js';
import { seedDatabase } from './data-set/database-seeder.js';
import { today } from './data-set/plan.js';
import { seed as seedFolder } from './data-set/seeder.js';

interface SeedOptions {
  readonly sessions: number;
  readonly path?: string;
  readonly database?: string;
  readonly days: number;
  readonly seed: number;
  readonly until: string;
  readonly continue?: boolean;
}

const program = new Command('bench:seed')
  .description('Make a data folder, or fill a database, of realistic sessions, which all verify.')
  .requiredOption('--sessions <n>', 'how many', wholeNumber(1, 1_000_000_000))
  .option('--path <folder>', 'an empty or new folder (default: bench/data/sessions-N)')
  .addOption(
    new Option('--database <url>', 'instead of a folder, a PostgreSQL database without sessions').conflicts([
      'path',
      'continue',
    ]),
  )
  .option('--days <n>', 'over how many days they were created', wholeNumber(1, 10_000), 365)
  .option('--seed <n>', 'the same seed brings the same sessions', wholeNumber(0, 999_999_999), 1)
  .option('--until <day>', 'the day after the last one, such as 2024-01-15', DAY, today())
  .option('--continue', 'go on with what an interrupted run of the same options left')
  .addHelpText(
    'after',
    `
The same options bring the same sessions; only the store's id is another, and with it every hash.
1,000,000 sessions take about 15 GB, in PostgreSQL 8 GB. \`npx impact-session verify FOLDER\` checks them all;
\`DATA_SESSIONS_PATH=FOLDER npm start\` serves them.`,
  )
  .action(make);

async function make({ sessions, days, seed, until, path, database, ...options }: SeedOptions): Promise<void> {
  const plan = { sessions, days, seed, until };
  const root = resolve(path ?? dataFolderOf(sessions));
  const { writtenMs, durableMs } =
    database === undefined
      ? await seedFolder(root, plan, { continue: options.continue === true })
      : await seedDatabase(database, plan);
  const rate = Math.round(sessions / (writtenMs / 1_000)).toLocaleString('en');
  const place = database === undefined ? root : 'the database';
  process.stdout.write(
    `${count(sessions, 'session')} in ${place}: made in ${duration(writtenMs)} (${rate}/s), on the disk after ${duration(durableMs)}\n`,
  );
}

await program.exitOverride().parseAsync().catch(failOn('bench:seed'));
