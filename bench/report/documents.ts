/**
 * The figures in the documents, made of the results of full runs: so that none is typed by hand, and a test can say whether
 * they are those of the results. Pure.
 */

import type { Results } from '../bench-run.js';
import type { Figure } from '../figure.js';
import { asTable, inUnit, rounded } from './table.js';

export interface AllResults {
  readonly file: Results;
  readonly postgres: Results;
}

/** How each document has what is in it of the results: a block between two comments, or with the table in README.md. */
const BLOCKS: Readonly<Record<string, (results: AllResults) => string>> = {
  'README.md:file': ({ file }) => table(file, file.figures),
  'docs/SCALING.md:postgres': ({ postgres }) =>
    table(
      postgres,
      postgres.figures.filter(({ name }) => !name.startsWith('plan-')),
    ),
  'docs/SCALING.md:listings': ({ postgres }) =>
    table(
      postgres,
      postgres.figures.filter(({ name }) => name.startsWith('plan-')),
    ),
  'docs/SCALING.md:arithmetic': arithmetic,
};

export const DOCUMENTS: readonly string[] = [
  ...new Set(Object.keys(BLOCKS).map((block) => block.split(':')[0] as string)),
];

/** A document with the figures of these results. */
export function renewed(document: string, text: string, results: AllResults): string {
  return Object.entries(BLOCKS).reduce((now, [block, make]) => {
    const [path, name] = block.split(':');
    return path === document ? replaced(now, name as string, make(results)) : now;
  }, text);
}

/** @throws Error where the document has no such block */
function replaced(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench: ${name} -->\n`, '<!-- end of bench -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no block of the benchmark named ${name}`);
  return `${text.slice(0, from)}${begin}\n${content}\n${text.slice(to)}`;
}

function table({ date, commit, machine, postgres, wish }: Results, figures: readonly Figure[]): string {
  const { cpu, cores, memory_gb, node, filesystem } = machine;
  const database = postgres
    ? `; PostgreSQL ${postgres.server_version?.split(' ')[0]} on the same machine, shared_buffers ${postgres.shared_buffers}, fsync ${postgres.fsync}; ${wish.rounds} rounds of ${wish.seconds} s`
    : '';
  const on = `On ${date.slice(0, 10)}, commit ${commit}, ${cores} cores of an ${cpu}, ${memory_gb} GB, Node ${node}, ${filesystem}${database}:`;
  return `${on}\n\n\`\`\`text\n${asTable(figures)}\`\`\`\n`;
}

const [BILLION, MILLION, DAY_S, YEARS, CHANGES] = [1e9, 1e6, 86_400, 3, 5];
const DAYS = YEARS * 365;
const MONTHS = YEARS * 12;

function arithmetic({ file, postgres }: AllResults): string {
  const of = (results: Results, name: string) => figure(results, name)?.measured?.median ?? Number.NaN;
  const folders = figure(postgres, 'bytes-all')?.comparedWith?.median ?? Number.NaN;
  const kB = [folders, of(postgres, 'bytes-all')] as const;
  const creations = [of(file, 'create-in-process'), of(postgres, 'create-in-process-1')] as const;
  const changes = [of(file, 'append'), of(postgres, 'append-in-process-1')] as const;
  const sessions = creations.map((rate, store) => 1 / (1 / rate + CHANGES / (changes[store] as number)));
  const needed = BILLION / DAYS / DAY_S;
  const rows: [string, ...string[]][] = [
    ['bytes of a session', ...kB.map((size) => inUnit(size, 'kB'))],
    ['× 1,000,000', ...kB.map((size) => `${rounded(size)} GB`)],
    ['× 1,000,000,000', ...kB.map((size) => `${rounded(size)} TB`)],
    ['creations', ...creations.map((rate) => inUnit(rate, '/s'))],
    ['changes, of 64 sessions', ...changes.map((rate) => inUnit(rate, '/s'))],
    [`whole sessions: 1 / (1/creations + ${CHANGES}/changes)`, ...sessions.map((rate) => inUnit(rate, '/s'))],
    ['× 86,400: sessions a day', ...sessions.map((rate) => `${rounded((rate * DAY_S) / MILLION)} million`)],
    [
      `a billion in ${YEARS} years, 1,000,000,000 / ${DAYS} / 86,400: ${inUnit(needed, '/s')}, is so much of that`,
      ...sessions.map((rate) => `${rounded((needed / rate) * 100)} %`),
    ],
    [
      `a month of them, a billion / ${MONTHS}: ${rounded(BILLION / MONTHS / MILLION)} million sessions, takes`,
      ...kB.map((size) => `${rounded((size * BILLION) / MONTHS / 1e6)} GB`),
    ],
    [
      'first page of the list with its total, 1,000,000 sessions',
      ...[file, postgres].map((one) => inUnit(of(one, 'list'), 'ms')),
    ],
    ['× 1,000: of 1,000,000,000', ...[file, postgres].map((one) => inUnit(of(one, 'list'), 's'))],
    [
      'statistics of all, 1,000,000 sessions',
      ...[file, postgres].map((one) => inUnit(of(one, 'stats'), 'ms')),
    ],
    ['× 1,000: of 1,000,000,000', ...[file, postgres].map((one) => inUnit(of(one, 'stats'), 's'))],
    [
      '60 s / statistics of all × 1,000,000: sessions of which they take 60 s',
      ...[file, postgres].map((one) => `${rounded(60_000 / of(one, 'stats'))} million`),
    ],
  ];
  const lines = rows.map((row) => `| ${row.join(' | ')} |`);
  const on = ({ machine: { cores, cpu } }: Results) => `on ${cores} cores of an ${cpu}`;
  return `| | folders, ${on(file)} | PostgreSQL, ${on(postgres)} |\n|---|---|---|\n${lines.join('\n')}\n`;
}

function figure({ figures }: Results, name: string): Figure | undefined {
  return figures.find((one) => one.name === name);
}
