/**
 * What the command line of the demo means. Pure: arguments in, options out.
 */

import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly repo: string;
  readonly requirements: readonly string[];
  readonly data: string;
  readonly format: 'text' | 'json';
  readonly help: boolean;
}

/** They fit the history of this repository; another one needs its own. */
const REQUIREMENTS = [
  'Sign the events of a session, and verify the chain with the signature',
  'Keep sessions in another store, one that passes the same contract and recovers from faults',
  'Routes that list sessions by label and status, with HTTP tests',
];

export const USAGE = `usage: npm run demo -- [--repo PATH] [--requirement TEXT]… [--data PATH] [--json]

Assesses the impact of requirements on a git repository from its own history, and leaves a session for each.

  --repo PATH         a folder of the repository (default: the current one)
  --requirement TEXT  what is to be assessed; may be given several times (default: three that fit this repository)
  --data PATH         the data folder (default: $DATA_SESSIONS_PATH, else data/sessions)
  --json              print the events of the sessions, one JSON object a line
  --help              print this

Exit code: 0 when every session was completed, 1 when one ended in error, 2 when the command line is wrong.
`;

/** @throws TypeError with one line for the user when an argument is not known or lacks its value */
export function readCommandLine(args: readonly string[], environment: NodeJS.ProcessEnv): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repo: { type: 'string', default: '.' },
      requirement: { type: 'string', multiple: true, default: REQUIREMENTS },
      data: { type: 'string', default: environment.DATA_SESSIONS_PATH || 'data/sessions' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { repo, requirement, data, json, help } = values;
  return { repo, requirements: requirement, data, format: json ? 'json' : 'text', help };
}
