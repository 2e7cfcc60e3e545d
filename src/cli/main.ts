/**
 * The command line, `impact-session`: which commands there are. Exit codes: 0 all is well, 1 problems were found,
 * 2 the command could not be run.
 */

import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { COULD_NOT_RUN, explain } from './command-error.js';
import { copyCommand } from './copy.command.js';
import { reindexCommand } from './reindex.command.js';
import { showCommand } from './show.command.js';
import { printable } from './text.js';
import { verifyCommand } from './verify.command.js';

const program = new Command('impact-session')
  .description(
    'Looks into the data folder of the session component, beside a running server or without one, and moves it.',
  )
  .version(version)
  .addCommand(verifyCommand())
  .addCommand(showCommand())
  .addCommand(reindexCommand())
  .addCommand(copyCommand());
for (const command of [program, ...program.commands])
  command
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .configureOutput({ outputError: (text) => tell(inLines(text)) });

/** Those that do more than tell: nobody has to listen for that, and what they end with says what became of it. */
const DO_MORE: ReadonlySet<string> = new Set(['copy', 'reindex']);
let endsWithOutput = true;
program.hook('preAction', (_program, command) => {
  endsWithOutput = !DO_MORE.has(command.name());
});

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) is no fault.
  const isClosed = error.code === 'EPIPE';
  if (isClosed && endsWithOutput) process.exit();
  if (!isClosed) tell([`the output could not be written: ${error.message}`]);
  if (endsWithOutput) process.exit(COULD_NOT_RUN);
});
// There is nobody left to tell it.
process.stderr.on('error', () => undefined);

program.parseAsync().catch((error: unknown) => {
  tell(explain(error));
  // Help and version that were asked for are told as errors, too.
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : COULD_NOT_RUN;
});

/** What commander says: a suggestion on the line of its error, and not as another one. */
function inLines(text: string): readonly string[] {
  return text
    .replace(/^error: |\n$/g, '')
    .replace('\n(Did you mean', ' (Did you mean')
    .split('\n');
}

function tell(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`impact-session: ${printable(line)}\n`);
}
