/**
 * `impact-session verify`: checks the trails of a data folder. Standard output has one line a problem, tab-separated,
 * or one JSON document; what is for people beside that (progress, the sum) goes to standard error.
 */

import { Command } from 'commander';
import { loadFolderConfig } from '../config.js';
import { FolderReader, type VerifiedSession } from '../session/store/file/folder-reader.js';
import { CommandError, PROBLEMS_FOUND } from './command-error.js';
import { NO_PROGRESS, startProgress } from './progress.js';
import { count, printable } from './text.js';

interface VerifyOptions {
  readonly session?: string;
  readonly json?: boolean;
}

/** What was found in all. */
interface Tally {
  sessions: number;
  events: number;
  problems: number;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Verify the trails of a data folder: every hash and link of every log, and what is kept beside them.',
    )
    .argument('[path]', 'the data folder (default: DATA_SESSIONS_PATH, else data/sessions)')
    .option('--session <id>', 'verify this session only')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Takes no lock and changes nothing: it works beside a running server, and on a copied folder.
Prints a line for each problem: session, seq of the event (or -), kind, message; separated by tabs.

Exit code: 0 no problem, 1 problems were found, 2 it could not be run.`,
    )
    .action(verify);
}

async function verify(path: string | undefined, options: VerifyOptions): Promise<void> {
  const { dataSessionsPath, legacyTimeZone } = loadFolderConfig();
  const folder = path ?? dataSessionsPath;
  const reader = await FolderReader.open({ path: folder, legacyTimeZone });
  const tally: Tally = { sessions: 0, events: 0, problems: 0 };
  const alone = options.session === undefined ? undefined : await one(reader, folder, options.session);
  const progress = alone ? NO_PROGRESS : startProgress('verified', 'sessions', await reader.count());
  // Its first words are written when nothing can be wrong with the question any more.
  const report: Report = options.json ? new JsonReport(folder) : new LineReport();
  try {
    for await (const verified of alone ? [alone] : reader.verifyAll()) {
      add(tally, verified);
      if (!verified.verification.valid) progress.clear();
      report.session(verified);
      progress.update(tally.sessions, tally.problems > 0 ? count(tally.problems, 'problem') : '');
    }
  } finally {
    progress.stop();
  }
  report.end(tally, alone);
  if (tally.problems > 0) process.exitCode = PROBLEMS_FOUND;
}

async function one(reader: FolderReader, folder: string, id: string): Promise<VerifiedSession> {
  const verified = await reader.verify(id);
  if (!verified) throw new CommandError(`There is no session ${printable(id)} in ${folder}`);
  return verified;
}

function add(tally: Tally, { verification }: VerifiedSession): void {
  tally.sessions += 1;
  tally.events += verification.events;
  tally.problems += verification.problems.length;
}

interface Report {
  session(verified: VerifiedSession): void;
  /** @param alone the one session that was asked for */
  end(tally: Tally, alone: VerifiedSession | undefined): void;
}

/** For people and for `cut`: problems as lines, the sum beside them. */
class LineReport implements Report {
  session({ id, verification }: VerifiedSession): void {
    for (const { seq, kind, message } of verification.problems) {
      process.stdout.write(`${[id, seq ?? '-', kind, printable(message)].join('\t')}\n`);
    }
  }

  end({ sessions, events, problems }: Tally, alone: VerifiedSession | undefined): void {
    const found = problems > 0 ? count(problems, 'problem') : 'no problem';
    const head = alone?.verification.head ? `; head ${alone.verification.head}` : '';
    process.stderr.write(`${count(sessions, 'session')}, ${count(events, 'event')}: ${found}${head}\n`);
  }
}

/** One JSON document, written as it comes: a folder may have more problems than fit into memory. */
class JsonReport implements Report {
  #separator = '';

  constructor(path: string) {
    process.stdout.write(`{"path":${JSON.stringify(path)},"problems":[`);
  }

  session({ id, verification }: VerifiedSession): void {
    for (const problem of verification.problems) {
      process.stdout.write(`${this.#separator}\n${JSON.stringify({ session_id: id, ...problem })}`);
      this.#separator = ',';
    }
  }

  end({ sessions, events, problems }: Tally, alone: VerifiedSession | undefined): void {
    const sum = { valid: problems === 0, sessions, events, ...(alone && { head: alone.verification.head }) };
    process.stdout.write(`],${JSON.stringify(sum).slice(1)}\n`);
  }
}
