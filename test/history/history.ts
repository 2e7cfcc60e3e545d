/**
 * What concurrent clients did and saw, as a list that can be checked (history-check.ts), and the clock that orders it.
 * A command goes by a unique name that stands in every event it makes, so that each event in a log tells who asked.
 */

import { createHash } from 'node:crypto';
import type { SessionEvent } from '../../src/session/domain/session-event.js';

/** `not_applied`: surely not in the log. `unknown`: the answer never came, or did not say. */
export type Outcome = 'ok' | 'not_applied' | 'unknown';

/** A command: one that makes a session, or one that changes it. */
export interface Write {
  readonly kind: 'create' | 'append';
  readonly client: string;
  /** Unique, and in every event of the command. */
  readonly name: string;
  /** Not known of a session whose maker never got the answer. */
  readonly session?: string;
  /** The events that were asked for, in order, as `describeEvent` writes them. */
  readonly events: readonly string[];
  readonly invoked: number;
  readonly returned: number;
  readonly outcome: Outcome;
  /** The session's revision after the command, when the answer told it. */
  readonly revision?: number;
}

/** What a client was shown of a session: a revision, and the events that it saw of it. Nothing there: revision 0. */
export interface Read {
  readonly kind: 'read';
  readonly client: string;
  readonly name: string;
  readonly session: string;
  readonly invoked: number;
  readonly returned: number;
  readonly revision: number;
  /** `seq` of the first of `hashes`. */
  readonly from: number;
  readonly hashes: readonly string[];
}

export type Operation = Write | Read;

/** An event of a final log. */
export interface LoggedEvent {
  readonly seq: number;
  readonly hash: string;
  /** Name of the command that asked for it; null for what the store adds by itself. */
  readonly command: string | null;
  readonly what: string;
}

/** The final logs, by session. */
export type Logs = ReadonlyMap<string, readonly LoggedEvent[]>;

/** Orders what one process sees, to the call: each look at it is later than the one before. */
export class Clock {
  #ticks = 0;

  now(): number {
    this.#ticks += 1;
    return this.#ticks;
  }
}

const MAX_WHAT = 160;

/** An event's type and data in a line; of long data the hash. */
export function describeEvent(type: string, data: object): string {
  const text = JSON.stringify(data);
  const digest = () => `${text.length} characters ${createHash('sha256').update(text).digest('hex')}`;
  return `${type} ${text.length > MAX_WHAT ? digest() : text}`;
}

/**
 * An event as the checker compares it. The name of its command is its `reason`; of the event that made the session,
 * which has none, its label `made_by`.
 */
export function loggedEvent({ seq, hash, type, data }: SessionEvent): LoggedEvent {
  const { reason, part: _part, parts: _parts, ...own } = data;
  const made = (own.labels as Record<string, string> | undefined)?.made_by;
  const command = type === 'log_recovered' ? null : String(type === 'session_created' ? made : reason);
  return { seq, hash, command, what: describeEvent(type, own) };
}

export function describeWrite({ kind, client, name, session }: Write): string {
  return `${client}'s ${kind} ${name}${session === undefined ? '' : ` of ${session}`}`;
}
