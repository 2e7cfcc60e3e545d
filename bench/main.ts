/**
 * `npm run bench`: measures the product beside what it is compared with, in one run and in turns, and prints medians,
 * ratios and aims. It measures and judges nobody: it ends with 0 whatever the figures are.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CommandError } from '../dist/cli/command-error.js';
import { type Results, ROWS, runBench, type StoreName } from './bench-run.js';
import { failOn, wholeNumber } from './command-line.js';
import { asChart } from './report/chart.js';
import { asTable, asTabs } from './report/table.js';
import type { Adapter } from './servers/programs.js';

interface BenchOptions {
  readonly sessions: readonly number[];
  readonly adapter: Adapter | 'both';
  readonly store: StoreName;
  readonly instances: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly patience: number;
  readonly only: readonly string[];
  readonly use: readonly string[];
  readonly out?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly tsv?: boolean;
}

const QUICK = { sessions: [10, 1_000], rounds: 2, seconds: 1, out: join('bench', 'data') };
const count = wholeNumber(1, 10_000_000);
const numbers = (text: string) =>
  [...new Set(text.split(',').map((one) => count(one)))].sort((a, b) => a - b);

const program = new Command('bench')
  .description('Measure the product beside a floor that is measured in the same run, in turns.')
  .option('--quick', 'a first look, a few minutes on two cores: 10 and 1,000 sessions, two short rounds')
  .option('--sessions <sizes>', 'sizes of the data sets', numbers, [10, 1_000, 1_000_000])
  .addOption(
    new Option('--adapter <name>', 'HTTP adapter').choices(['express', 'fastify', 'both']).default('both'),
  )
  .addOption(new Option('--store <kind>', 'which store').choices(Object.keys(ROWS)).default('file'))
  .option('--instances <n,n>', 'with --store postgres: how many over one database', numbers, [1, 2])
  .option('--rounds <n>', 'how often each side is measured', wholeNumber(1, 100), 5)
  .option('--seconds <n>', 'how long each time', wholeNumber(1, 600), 5)
  .option('--only <rows...>', 'only these rows (below)', [])
  .option(
    '--use <folders...>',
    'folders of earlier runs to measure on, instead of making them: of bench:seed, or PostgreSQL’s data folder',
    [],
  )
  .option('--patience <s>', 'how long to wait for an index', wholeNumber(1, 86_400), 3_600)
  .option(
    '--out <folder>',
    'where results.json and results.svg go, of PostgreSQL results-postgres.* (default: bench; with --quick: bench/data)',
  )
  .option('--json', 'print the result as JSON')
  .option('--tsv', 'print figures separated by tabs, as where the output is no terminal')
  .addHelpText(
    'after',
    `
Data sets are made once, in bench/data, and used again: 1,000,000 sessions take about 15 GB, and as long as processor and disk need.
What it is compared with is measured in the same rounds, so that ratios say more than figures. Leave the machine alone meanwhile.

With --store postgres the server is that of DATABASE_URL, in which databases are made; without it one is started, in bench/data/postgres.
1,000,000 sessions take about 8 GB there.

Rows:
${rowsOf('file')}

Rows with --store postgres:
${rowsOf('postgres')}`,
  )
  .action(measure);

function rowsOf(store: StoreName): string {
  return ROWS[store].map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join('\n');
}

async function measure(given: BenchOptions): Promise<void> {
  refuseUnknown(given);
  const options = given.quick ? { ...given, ...quickly() } : given;
  const { sessions, instances, rounds, seconds, patience, adapter } = options;
  const adapters: Adapter[] = adapter === 'both' ? ['express', 'fastify'] : [adapter];
  const wish = { sessions, instances, adapters, rounds, seconds, patience, folders: options.use };
  const say = sayer();
  const results = await runBench(wish, options.store, options.only, say);
  say('');
  write(resolve(options.out ?? 'bench'), results);
  const tabs = options.tsv === true || !process.stdout.isTTY;
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else process.stdout.write((tabs ? asTabs : asTable)(results.figures));
}

/** What `--quick` means where nothing else was said. */
function quickly(): Partial<BenchOptions> {
  const names = Object.keys(QUICK) as (keyof typeof QUICK)[];
  const unsaid = names.filter((name) => program.getOptionValueSource(name) !== 'cli');
  return Object.fromEntries(unsaid.map((name) => [name, QUICK[name]]));
}

function refuseUnknown({ store, only }: BenchOptions): void {
  const unknown = only.filter((name) => !ROWS[store].some((row) => row.name === name));
  if (unknown.length > 0) throw new CommandError(`there is no row ${unknown.join(', ')}: see --help`);
}

function write(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  const name = results.wish.store === 'file' ? 'results' : `results-${results.wish.store}`;
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.svg`), asChart(results.figures, subtitle(results)));
  process.stderr.write(`written to ${folder}: ${name}.json, ${name}.svg\n`);
}

function subtitle({ date, commit, machine, wish }: Results): string {
  const { cpu, cores, node, filesystem } = machine;
  return `${date.slice(0, 10)}, commit ${commit}, ${cores} × ${cpu}, Node ${node}, ${filesystem}; medians of ${wish.rounds} rounds`;
}

/** On a terminal one line that is written over, else a line for everything that begins. */
function sayer(): (text: string) => void {
  if (process.stderr.isTTY) return (text) => void process.stderr.write(`\r\u001b[K${text}`);
  return (text) => void (text && process.stderr.write(`${text}\n`));
}

await program.exitOverride().parseAsync().catch(failOn('bench'));
