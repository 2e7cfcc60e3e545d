/**
 * A session's timeline as text for a terminal: events, how long each status lasted, timings as bars. Pure.
 */

import type { Session } from '../session/domain/session.js';
import type { SessionEvent } from '../session/domain/session-event.js';
import type { Verification } from '../session/domain/verification.js';
import type { ReadSession } from '../session/store/file/folder-reader.js';
import { bar, columns, count, duration, printable, shortened } from './text.js';

const BAR_COLUMNS = 40;
/** Longer texts are cut: all of them stand in --json. */
const MAX_TEXT = 160;

export function timeline({ session, auditPath, events }: ReadSession, verification: Verification): string {
  const sections = [
    heading(session, auditPath, verification),
    section('Events', eventRows(session, events)),
    section('Statuses', statusRows(session, events)),
    section('Timings', timingRows(session)),
    section(
      'Problems',
      verification.problems.map(({ seq, kind, message }) => [`${seq ?? '-'}`, kind, printable(message)]),
    ),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : [title, ...columns(rows).map((row) => `  ${row}`)].join('\n');
}

function heading(session: Session, auditPath: string, { valid, head }: Verification): string {
  const failure = session.error && `${session.error.error}: ${session.error.message}`;
  const trail = `${count(session.revision, 'event')}, ${valid ? 'verified' : 'with problems: see below'}; head ${head}`;
  const labels = Object.entries(session.labels).map(([key, value]) => `${key}=${value}`);
  const rows: [string, string | null][] = [
    ['status', session.status],
    ['failure', failure && shortened(failure, MAX_TEXT)],
    ['user', session.userId],
    ['created', clock(session.createdAt)],
    [
      'updated',
      `${clock(session.updatedAt)}, ${duration(between(session.createdAt, session.updatedAt))} later`,
    ],
    ['labels', shortened(labels.join(', '), MAX_TEXT)],
    ['folder', auditPath],
    [
      'trail',
      session.revision > 0 ? trail : 'none to verify: a folder of the Python component, without a log',
    ],
  ];
  const shown = rows.flatMap(([name, value]) => (value ? [[name, printable(value)]] : []));
  return section(session.id, shown);
}

function eventRows(session: Session, events: readonly SessionEvent[]): string[][] {
  return events.map(({ seq, at, actor, type, data }) => [
    `${seq}`,
    clock(at),
    `+${duration(between(session.createdAt, at))}`,
    printable(actor ?? '-'),
    printable(shortened(describe(type, data), MAX_TEXT)),
  ]);
}

/** An event in words. Its data's own words are shown as they are; of a type that is not known, all of it. */
function describe(type: string, data: SessionEvent['data']): string {
  // It stands in every event of a command; once is enough to read.
  const first = data.part === undefined || data.part === 1;
  const reason = first && typeof data.reason === 'string' ? ` (${data.reason})` : '';
  return `${what(type, data)}${reason}`;
}

function what(type: string, data: SessionEvent['data']): string {
  const failure = failureOf(data);
  switch (type) {
    case 'session_created':
      return `created, status ${data.status}`;
    case 'session_imported':
      return `imported from the Python component, status ${data.status}`;
    case 'status_changed':
      return `status ${data.from} → ${data.to}${failure && `: ${failure}`}`;
    case 'failure_recorded':
      return `failure ${failure}`;
    case 'step_completed':
      return `step ${data.step}`;
    case 'timing_recorded':
      return `timing ${data.name} ${duration(Number(data.ms))}`;
    case 'output_recorded':
      return `output ${data.name}, ${count(Buffer.byteLength(JSON.stringify(data.value)), 'byte')}`;
    case 'labels_changed':
      return `labels ${Object.entries(data.labels as object)
        .map(([key, value]) => (value === null ? `−${key}` : `${key}=${value}`))
        .join(', ')}`;
    case 'log_recovered':
      return `recovered: ${count(Number(data.bytes), 'byte')} of a stopped write cut off, kept in ${data.file}`;
    default:
      return `${type} ${JSON.stringify(data)}`;
  }
}

function failureOf(data: SessionEvent['data']): string {
  const failure = data.error as { readonly error?: unknown; readonly message?: unknown } | undefined;
  return failure ? `${failure.error}: ${failure.message}` : '';
}

/** Each status in its order, with how long it lasted and where in the session's time that was. */
function statusRows(session: Session, events: readonly SessionEvent[]): string[][] {
  const begins = events.flatMap(({ type, at, data }) => {
    const status = type === 'status_changed' ? data.to : data.status;
    return typeof status === 'string' ? [{ status, at }] : [];
  });
  const whole = between(session.createdAt, session.updatedAt) || 1;
  return begins.map(({ status, at }, index) => {
    const end = begins[index + 1]?.at;
    const from = between(session.createdAt, at);
    const lasted = between(at, end ?? session.updatedAt);
    const time = end === undefined ? 'since' : duration(lasted);
    return [printable(status), time, bar(from / whole, (from + lasted) / whole, BAR_COLUMNS)];
  });
}

function timingRows({ timing }: Session): string[][] {
  const longest = Math.max(1, ...Object.values(timing));
  return Object.entries(timing).map(([name, ms]) => [
    printable(name.replace(/_ms$/, '')),
    duration(ms),
    bar(0, ms / longest, BAR_COLUMNS),
  ]);
}

/** `2024-01-15 10:30:45.123Z` */
function clock(at: string): string {
  return printable(at.replace('T', ' '));
}

function between(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) || 0;
}
