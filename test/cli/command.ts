/** The command line as a process, as it is installed: what it printed, and what it ended with. */

import { type ChildProcess, execFile } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(process.cwd(), 'bin/impact-session.js');
/** A command that has no end is ended by this, in milliseconds, and then has no exit code. */
const NO_END_MS = 40_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** Runs `impact-session` with these arguments in this folder; of the environment it sees what is given. */
export function impactSession(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return startImpactSession(folder, args, environment).outcome;
}

/** As `impactSession`, for who does not wait for its end. */
export function startImpactSession(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const env = { PATH: process.env.PATH, ...environment };
  const options = { cwd: folder, env, maxBuffer: 64 * 1024 * 1024, timeout: NO_END_MS };
  let tell: (outcome: Outcome) => void;
  const outcome = new Promise<Outcome>((resolve) => {
    tell = resolve;
  });
  const child = execFile(process.execPath, [MAIN, ...args], options, (_error, stdout, stderr) =>
    tell({ code: child.exitCode ?? -1, stdout, stderr }),
  );
  return { process: child, outcome };
}
