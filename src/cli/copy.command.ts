/**
 * `impact-session copy`: all sessions of one store into another, from a data folder to PostgreSQL or back. Standard output has a
 * line for each problem of the source, tab-separated, or one JSON document; all else goes to standard error.
 */

import { Command } from 'commander';
import { loadCopyConfig } from '../config.js';
import { StoreUnavailableError } from '../session/domain/errors.js';
import { copySessions } from '../session/store/copy-sessions.js';
import { FolderSource } from '../session/store/file/folder-source.js';
import { FolderTarget } from '../session/store/file/folder-target.js';
import { DatabaseSource } from '../session/store/postgres/database-source.js';
import { DatabaseTarget } from '../session/store/postgres/database-target.js';
import type { CopySource, CopyTarget } from '../session/store/session-copy.js';
import { COULD_NOT_RUN, CommandError, explain, isForeseen, PROBLEMS_FOUND } from './command-error.js';
import { CopyReport, tell } from './copy-report.js';
import { isNested, isSameAddress, type StoreAddress, storeAddress } from './store-address.js';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly leaveDamaged?: boolean;
  readonly json?: boolean;
}

const GOES_ON = 'the same command goes on where it was stopped';

export function copyCommand(): Command {
  return new Command('copy')
    .description('Copy all sessions into another store: from a data folder to PostgreSQL, or back.')
    .requiredOption('--from <store>', 'the store to copy, which is not changed')
    .requiredOption('--to <store>', 'the store to copy into: a new or empty folder, or an empty database')
    .option('--leave-damaged', 'finish without the sessions that are damaged, or cannot be taken')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A store is file:FOLDER or postgres://USER@HOST/DATABASE; or just file for the folder of DATA_SESSIONS_PATH, postgres
for the database of DATABASE_URL, from the environment or .env. A password in an address can be seen in the list of
processes: better are those, PGPASSWORD, or ~/.pgpass. It is printed nowhere.

Stop the servers of both stores first: what is written to the source after the copy stays there, and of a database it
cannot be seen from here whether servers use it. Every line is copied as it is, and the new store takes over the id of
the old one, which all trails begin with. Then each session is read again from both and compared, and only after that
is the copy a store that a server opens. Stopped at any moment, the same command goes on. A folder is listed completely
once its server has made the index, in the background after its start.

Prints a line for each problem of a session that is damaged, and not copied: session, seq of the event (or -), kind,
message; separated by tabs. Then the copy is not finished, unless --leave-damaged says that it may be. That cannot be
taken back: what was left can come only with a new copy, into an empty target.

Exit code: 0 the copy is finished, 1 there are problems and it is not, 2 it could not be run or was stopped.`,
    )
    .action(copy);
}

async function copy(options: CopyOptions): Promise<void> {
  const report = new CopyReport(options.json === true);
  const stop = stopOnSignal((why) => {
    report.fail(why);
    tell(`impact-session: ${why.message}`);
    process.exit(COULD_NOT_RUN);
  });
  try {
    await copyAs(options, report, stop.signal);
  } catch (error) {
    const why = stop.signal.aborted ? stop.signal.reason : error;
    report.fail(why);
    throw why;
  } finally {
    stop.forget();
  }
}

async function copyAs(options: CopyOptions, report: CopyReport, signal: AbortSignal): Promise<void> {
  const [from, to] = [storeAddress(options.from, '--from'), storeAddress(options.to, '--to')];
  if (isSameAddress(from, to)) throw new CommandError('--from and --to are the same store');
  if (isNested(from, to)) throw new CommandError('of --from and --to, one lies in the other');
  report.name(from.shown, to.shown);
  // Of a file of passwords, which it reads for us, the driver says that its next version will not.
  process.noDeprecation = true;
  const source = await openSource(from, (path) => report.passOver(path));
  try {
    const target = await openTarget(to);
    try {
      await run(source, target, { options, report, signal });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

interface Run {
  readonly options: CopyOptions;
  readonly report: CopyReport;
  readonly signal: AbortSignal;
}

async function run(source: CopySource, target: CopyTarget, { options, report, signal }: Run): Promise<void> {
  let isBegun = false;
  try {
    const outcome = await copySessions(source, target, {
      leaveDamaged: options.leaveDamaged === true,
      signal,
      onBegin: ({ goesOn, total }) => {
        isBegun = true;
        report.begin(goesOn, total);
      },
      onProgress: (phase, done) => report.progress(phase, done),
      onProblems: (id, problems, isDamaged) => report.problems(id, problems, isDamaged),
    });
    if (!outcome.finished) process.exitCode = PROBLEMS_FOUND;
    report.end(outcome, source.storeId);
  } catch (error) {
    if (!isBegun || !isForeseen(error) || !mayFareBetter(error)) throw error;
    throw new CommandError(`${explain(error).join(' ')}; ${GOES_ON}`);
  }
}

/** Whether the same command, given again, need not meet the same fate: the server or the disk could not. */
function mayFareBetter(error: Error & { readonly syscall?: unknown }): boolean {
  return error instanceof StoreUnavailableError || error.syscall !== undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** So long what is under way at a signal may take to end, in milliseconds: a database may have fallen silent. */
const GRACE_MS = 3_000;

/** The first signal has what is under way end; `endNow` is called when it does not, and at the second one. */
function stopOnSignal(endNow: (why: CommandError) => void): { readonly signal: AbortSignal; forget(): void } {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (name: NodeJS.Signals) => {
    if (stopping.signal.aborted) return endNow(stopping.signal.reason);
    stopping.abort(new CommandError(`stopped by ${name}; ${GOES_ON}`));
    timer = setTimeout(() => endNow(stopping.signal.reason), GRACE_MS);
  };
  for (const name of SIGNALS) process.on(name, stop);
  const forget = () => {
    clearTimeout(timer);
    for (const name of SIGNALS) process.off(name, stop);
  };
  return { signal: stopping.signal, forget };
}

function openSource(address: StoreAddress, passOver: (path: string) => void): Promise<CopySource> {
  if (address.kind === 'postgres') return DatabaseSource.open(address.url);
  const { legacyTimeZone } = loadCopyConfig();
  return FolderSource.open({ path: address.path, legacyTimeZone, passOver });
}

function openTarget(address: StoreAddress): Promise<CopyTarget> {
  if (address.kind === 'postgres') return DatabaseTarget.open(address.url);
  const { allowNetworkFilesystem } = loadCopyConfig();
  const warn = (message: string, cause: unknown) => tell(`${message} (${String(cause)})`);
  return FolderTarget.open({ path: address.path, allowNetworkFilesystem, warn });
}
