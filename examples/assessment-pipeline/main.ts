/**
 * The demo's command: starts the application, assesses each requirement, says where the sessions are.
 */

import { NestFactory } from '@nestjs/core';
import { StoreOpenError } from 'impact-session';
import { applicationOver } from './app.module.js';
import { type DemoOptions, readCommandLine, USAGE } from './command-line.js';
import { NoHistoryError } from './git-history.js';
import { type Ending, Pipeline } from './pipeline.js';
import { printable, Timeline } from './timeline.js';

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`${printable(line)}\n`);

/** The exit code. */
async function main(): Promise<number> {
  let options: DemoOptions;
  try {
    options = readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    complain(`${(error as Error).message.split('\n')[0]} (see --help)`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    return await demonstrate(options);
  } catch (error) {
    complain(explain(error as Error));
    return 1;
  }
}

/** Why the store did not open ends with how the server is given another folder; the demo has an option for that. */
function explain(error: Error): string {
  return error instanceof StoreOpenError
    ? error.message.replace('DATA_SESSIONS_PATH', '--data PATH')
    : error.message;
}

async function demonstrate(options: DemoOptions): Promise<number> {
  // Not 'error': Nest would print the stack of a StoreOpenError, whose one line main() prints.
  const app = await NestFactory.createApplicationContext(applicationOver(options.data), {
    logger: ['fatal', 'warn'],
    abortOnError: false,
  });
  try {
    const endings = await assessAll(app.get(Pipeline), app.get(Timeline), options);
    if (options.format === 'text') sayWhere(endings, options.data);
    return endings.some(({ cause }) => cause) ? 1 : 0;
  } finally {
    await app.close();
  }
}

/** One after another. A repository that cannot be read ends them all, as it would the next. */
async function assessAll(pipeline: Pipeline, timeline: Timeline, options: DemoOptions): Promise<Ending[]> {
  const { repo, requirements, format } = options;
  const endings: Ending[] = [];
  for (const requirement of requirements) {
    if (format === 'text') print(`\n${printable(requirement)}`);
    const progress = (sessionId: string) => timeline.show(sessionId, format, print);
    const ending = await pipeline.assess(requirement, repo, progress);
    endings.push(ending);
    if (ending.cause) complain(`${ending.sessionId} ended in error: ${ending.cause.message}`);
    if (ending.cause instanceof NoHistoryError) break;
  }
  return endings;
}

function sayWhere(endings: readonly Ending[], data: string): void {
  print(`\nThe sessions lie in ${data}. To look at them:`);
  print(`  ${data === 'data/sessions' ? '' : `DATA_SESSIONS_PATH='${data}' `}npm start`);
  for (const { sessionId } of endings)
    print(`  curl -s http://127.0.0.1:8000/session/${sessionId}/audit | jq`);
}

// A reader that goes away (`| head`) is no reason to leave a session half done.
process.stdout.on('error', () => {});
process.exitCode = await main();
