/**
 * `impact-session show`: one session with its whole trail, as a picture for people or as JSON for programs.
 */

import { Command } from 'commander';
import { toDocument } from '../session/domain/session-document.js';
import type { Problem } from '../session/domain/verification.js';
import { FolderReader } from '../session/store/file/folder-reader.js';
import { CommandError, PROBLEMS_FOUND } from './command-error.js';
import { type FolderOptions, folderOf, withFolderOption } from './folder-argument.js';
import { printable } from './text.js';
import { timeline } from './timeline.js';

interface ShowOptions extends FolderOptions {
  readonly json?: boolean;
}

export function showCommand(): Command {
  const command = new Command('show')
    .description("Show a session's timeline: what happened when, who did it, how long it took.")
    .argument('<id>', 'the id of the session');
  return withFolderOption(command)
    .option('--json', 'print one JSON document: the session, its events, its verification')
    .addHelpText(
      'after',
      `
Takes no lock and changes nothing: it works beside a running server, and on a copied folder.

Exit code: 0 the session's trail verifies, 1 it has problems, 2 it could not be shown.`,
    )
    .action(show);
}

async function show(id: string, options: ShowOptions, command: Command): Promise<void> {
  const { path: folder, legacyTimeZone } = folderOf(command, undefined, options);
  const reader = await FolderReader.open({ path: folder, legacyTimeZone });
  const verification = (await reader.verify(id))?.verification;
  if (!verification) throw new CommandError(`There is no session ${printable(id)} in ${folder}`);
  if (!verification.valid) process.exitCode = PROBLEMS_FOUND;
  // No state is shown of a session that is damaged: what it says cannot be believed.
  const read = await reader.read(id).catch((cause: unknown) => {
    throw verification.valid ? cause : new CommandError(whyNot(id, folder, verification.problems));
  });
  if (!read) throw new CommandError(`There is no session ${printable(id)} in ${folder}`);
  if (options.json) {
    const { session, auditPath: audit_path, events } = read;
    const document = { session: toDocument(session), audit_path, events, verification };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    process.stdout.write(timeline(read, verification));
  }
}

function whyNot(id: string, folder: string, problems: readonly Problem[]): string {
  const first = printable(problems[0]?.message ?? 'unknown');
  return `Session ${printable(id)} is damaged and is not shown: ${first}; impact-session verify ${folder} --session ${printable(id)} tells all`;
}
