/**
 * `impact-session verify`: checks the trails of a data folder. Standard output has one line a problem, tab-separated,
 * or one JSON document; what is for people beside that (progress, the sum) goes to standard error.
 */

import { Command } from 'commander';
import { FolderReader, type VerifiedSession } from '../session/store/file/folder-reader.js';
import { CommandError, PROBLEMS_FOUND } from './command-error.js';
import { type FolderOptions, folderOf, withFolder } from './folder-argument.js';
import { NO_PROGRESS, startProgress } from './progress.js';
import { count, printable } from './text.js';

interface VerifyOptions extends FolderOptions {
  readonly session?: string;
  readonly json?: boolean;
}

/** Of what is no session, so many are named. */
const PASSED_OVER_NAMED = 10;

/** What was found in all. */
interface Tally {
  sessions: number;
  /** Of these, folders of the Python component, which have no log to verify. */
  withoutLog: number;
  events: number;
  problems: number;
  /** What lies in the data folder and is no session. */
  passedOver: number;
}

export function verifyCommand(): Command {
  const command = new Command('verify').description(
    'Verify the trails of a data folder: every hash and link of every log, and what is kept beside them.',
  );
  return withFolder(command)
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

async function verify(given: string | undefined, options: VerifyOptions, command: Command): Promise<void> {
  const { path: folder, legacyTimeZone } = folderOf(command, given, options);
  const reader = await FolderReader.open({ path: folder, legacyTimeZone });
  const tally: Tally = { sessions: 0, withoutLog: 0, events: 0, problems: 0, passedOver: 0 };
  const alone = options.session === undefined ? undefined : await one(reader, folder, options.session);
  // On a terminal a document that is being written and a line that is written over would be in each other's way.
  const quiet = alone !== undefined || (options.json === true && process.stdout.isTTY);
  const progress = quiet ? NO_PROGRESS : startProgress('verified', 'session', await reader.count());
  // Its first words are written when nothing can be wrong with the question any more.
  const report: Report = options.json ? new JsonReport(folder) : new LineReport();
  try {
    const passOver = (path: string) => {
      tally.passedOver += 1;
      if (tally.passedOver > PASSED_OVER_NAMED) return;
      progress.clear();
      process.stderr.write(`not looked at, since it is no session: ${printable(path)}\n`);
    };
    for await (const verified of alone ? [alone] : reader.verifyAll(passOver)) {
      add(tally, verified);
      // At once: who reads the problems may have seen enough of them before all are told.
      if (tally.problems > 0) process.exitCode = PROBLEMS_FOUND;
      if (!verified.verification.valid) progress.clear();
      report.session(verified);
      progress.update(tally.sessions, tally.problems > 0 ? count(tally.problems, 'problem') : '');
    }
  } catch (error) {
    report.end(tally, alone, error as Error);
    throw error;
  } finally {
    progress.stop();
  }
  report.end(tally, alone);
}

async function one(reader: FolderReader, folder: string, id: string): Promise<VerifiedSession> {
  const verified = await reader.verify(id);
  if (!verified) throw new CommandError(`There is no session ${printable(id)} in ${folder}`);
  return verified;
}

function add(tally: Tally, { verification }: VerifiedSession): void {
  tally.sessions += 1;
  if (verification.valid && verification.events === 0) tally.withoutLog += 1;
  tally.events += verification.events;
  tally.problems += verification.problems.length;
}

interface Report {
  session(verified: VerifiedSession): void;
  /**
   * @param alone the one session that was asked for
   * @param failure why it came to no end
   */
  end(tally: Tally, alone: VerifiedSession | undefined, failure?: Error): void;
}

/** For people and for `cut`: problems as lines, the sum beside them. */
class LineReport implements Report {
  session({ id, verification }: VerifiedSession): void {
    for (const { seq, kind, message } of verification.problems) {
      process.stdout.write(`${[id, seq ?? '-', kind, printable(message)].join('\t')}\n`);
    }
  }

  end(
    { sessions, withoutLog, events, problems, passedOver }: Tally,
    alone: VerifiedSession | undefined,
    failure?: Error,
  ): void {
    if (failure) return;
    const found = problems > 0 ? count(problems, 'problem') : 'no problem';
    const legacy =
      withoutLog > 0 ? ` (${withoutLog.toLocaleString('en')} of the Python component, without a log)` : '';
    const head = alone?.verification.head ? `; head ${alone.verification.head}` : '';
    const left = passedOver > 0 ? `; not looked at: ${count(passedOver, 'other thing')}` : '';
    const sum = `${count(sessions, 'session')}${legacy}, ${count(events, 'event')}: ${found}${head}${left}`;
    process.stderr.write(`${sum}\n`);
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

  end(
    { sessions, withoutLog, events, problems, passedOver }: Tally,
    alone: VerifiedSession | undefined,
    failure?: Error,
  ): void {
    const sum = {
      ...(failure && { error: failure.message }),
      valid: problems === 0 && !failure,
      sessions,
      without_log: withoutLog,
      events,
      not_looked_at: passedOver,
      ...(alone && { head: alone.verification.head }),
    };
    process.stdout.write(`],${JSON.stringify(sum).slice(1)}\n`);
  }
}
