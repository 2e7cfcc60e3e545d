/**
 * The server's log: one JSON object a line (pino), or readable lines on a terminal; Nest's messages and one line for
 * each request go to the same place.
 */

import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

/** In whose name Nest tells what keeps it from starting: it is thrown on as well, and main.ts explains it. */
const STARTING = new Set(['ExceptionHandler', 'NestApplication']);

/** Who has something to tell an operator without being asked. */
const OURS = new Set(['FileStore', 'PostgresStore']);

/** How a line begins that tells of a warning or worse. */
const TROUBLE = /^\{"level":[4-6]/;
/** How long a line waits at most for others to be written with, in milliseconds. */
const WAIT_MS = 20;
/** How many lines wait at most. */
const MAX_WAITING = 100;

/** Lines to standard output. Made once: all loggers of a process write there. */
let output: DestinationStream | undefined;

/** Where the lines of each logger go. */
const outputs = new WeakMap<Logger, DestinationStream>();

export function createLogger(level: string): Logger {
  output ??= process.stdout.isTTY
    ? PinoPretty({ ignore: 'pid,hostname,req,res', singleLine: true })
    : linesTogether();
  const logger = pino({ level }, output);
  outputs.set(logger, output);
  return logger;
}

/** Where a logger's lines go, for who makes lines without it. */
export function outputOf(logger: Logger): DestinationStream {
  return outputs.get(logger) as DestinationStream;
}

/**
 * Writes lines a few milliseconds late and together, since a write costs more than all else about a line. A line that
 * tells of trouble is written at once, with all before it; who kills the process (SIGKILL) kills the lines that wait.
 */
function linesTogether(): DestinationStream {
  const file = pino.destination({ dest: process.stdout.fd, sync: true });
  const lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length > 0) file.write(lines.splice(0).join(''));
  };
  process.once('exit', write);
  return {
    write(line) {
      lines.push(line);
      if (lines.length === MAX_WAITING || TROUBLE.test(line)) write();
      else timer ??= setTimeout(write, WAIT_MS);
    },
  };
}

/** What Nest says, into the log. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    // Nest's account of its own start (every route, every module) is of use to nobody but its developers.
    const level = OURS.has(String(rest.at(-1))) ? 'info' : 'debug';
    this.logger[level]({ context: rest.at(-1) }, String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn({ context: rest.at(-1) }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    if (STARTING.has(String(rest.at(-1)))) return;
    this.logger.error(
      { context: rest.at(-1), stack: rest.length > 1 ? rest[0] : undefined },
      String(message),
    );
  }
}
