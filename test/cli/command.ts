/** The command line as a process, as it is installed: what it printed, and what it ended with. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(process.cwd(), 'bin/impact-session.js');
/** A command that has no end is ended by this, in milliseconds, and then has no exit code. */
const NO_END_MS = 40_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `impact-session` with these arguments in this folder; of the environment it sees what is given. */
export function impactSession(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...environment };
    const options = { cwd: folder, env, maxBuffer: 64 * 1024 * 1024, timeout: NO_END_MS };
    const child = execFile(process.execPath, [MAIN, ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
