/**
 * Prints a session's trail while it grows. Knows nothing of the components: all it says stands in the events.
 */

import { Injectable } from '@nestjs/common';
import { type SessionEvent, SessionService } from 'impact-session';

type Write = (line: string) => void;

@Injectable()
export class Timeline {
  readonly #shown = new Map<string, number>();

  constructor(private readonly sessions: SessionService) {}

  /** Prints what the session's trail has gained since the last call: for people, or as its events, one a line. */
  async show(sessionId: string, format: 'text' | 'json', write: Write): Promise<void> {
    for (let after: number | null | undefined = this.#shown.get(sessionId); after !== null; ) {
      const page = await this.sessions.events(sessionId, { after });
      if (format === 'json') for (const event of page.events) write(JSON.stringify(event));
      else for (const report of reportsOf(page.events)) write(printable(describe(report)));
      const last = page.events.at(-1);
      if (last) this.#shown.set(sessionId, last.seq);
      after = page.next_after;
    }
  }
}

/** The events of one command are one report: the first of them has no `part`, or is part 1. */
function reportsOf(events: readonly SessionEvent[]): SessionEvent[][] {
  const reports: SessionEvent[][] = [];
  for (const event of events) {
    const { part = 1 } = event.data;
    if (part === 1) reports.push([event]);
    else reports.at(-1)?.push(event);
  }
  return reports;
}

/** `time  status  component  duration  finding`; a status stands only where it changed. */
function describe(report: readonly SessionEvent[]): string {
  const { at, actor, type, sid } = report.at(-1) as SessionEvent;
  const has = (member: string) => report.findLast(({ data }) => data[member] !== undefined)?.data[member];
  const status = has('to') ?? has('status') ?? '';
  const duration = has('ms') === undefined ? '' : `${has('ms')} ms`;
  const output = has('value') as { finding?: string } | undefined;
  const error = has('error') as { message: string } | undefined;
  return [
    at.slice(11, 23),
    String(status).padEnd(21),
    (actor ?? '').padEnd(11),
    duration.padStart(8),
    error?.message ?? output?.finding ?? (type === 'session_created' ? sid : ''),
  ]
    .join('  ')
    .trimEnd();
}

/** What commits and file names may carry must not command the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}
