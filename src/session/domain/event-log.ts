/**
 * The log's line format and its hash chain: seal events into lines, read lines back and check every link.
 * docs/STORAGE.md is the specification of what this file does. Pure; node:crypto for its hash alone.
 */

import { createHash } from 'node:crypto';
import { deepFreeze, isJsonObject } from './json.js';
import type { EventDraft, SessionEvent } from './session-event.js';

const LINE_HASH_PREFIX = 'session-event/1\n';
const GENESIS_PREFIX = 'session-genesis/1\n';
/** `,"hash":"` + 64 hexadecimal digits + `"}`: what stands between a line's body and its newline. */
const SEAL = /^,"hash":"([0-9a-f]{64})"\}$/;
const SEAL_BYTES = 75;
const MEMBERS = 'v,sid,seq,prev,at,type,actor,data';
const NEWLINE = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where a log stands: what the next line has to continue. */
export interface LogPosition {
  readonly sid: string;
  /** Number of events, which is the next one's `seq`. */
  readonly revision: number;
  /** Hash of the last event, or the genesis hash of an empty log. */
  readonly head: string;
  /** Time of the last event. */
  readonly updatedAt: string;
}

/** Who did what, when: the events of one command, decided and not yet sealed. */
export interface Decision {
  readonly at: Date;
  readonly actor: string | null;
  readonly events: readonly EventDraft[];
}

/** `prev` of a log's first line. It names store and session, so that a log moved into another one does not verify. */
export function genesisHash(storeId: string, sid: string): string {
  return createHash('sha256').update(`${GENESIS_PREFIX}${storeId}\n${sid}`).digest('hex');
}

/** The lines that append a decision to a log, and the events as they stand in them. */
export function sealEvents(
  position: LogPosition,
  decision: Decision,
): { readonly lines: Buffer; readonly events: readonly SessionEvent[] } {
  const at = later(decision.at.toISOString(), position.updatedAt);
  const parts = decision.events.length;
  const events: SessionEvent[] = [];
  const lines: string[] = [];
  let prev = position.head;
  for (const [index, draft] of decision.events.entries()) {
    const body = {
      v: 1 as const,
      sid: position.sid,
      seq: position.revision + index,
      prev,
      at,
      type: draft.type as string,
      actor: decision.actor,
      data: (parts > 1 ? { ...draft.data, part: index + 1, parts } : draft.data) as SessionEvent['data'],
    };
    const text = JSON.stringify(body);
    const hash = createHash('sha256').update(LINE_HASH_PREFIX).update(text).digest('hex');
    const line = `${text.slice(0, -1)},"hash":"${hash}"}`;
    lines.push(`${line}\n`);
    // Read back, and not the objects that were handed in: their owner may change them, and the state is what is stored.
    events.push(deepFreeze(JSON.parse(line)));
    prev = hash;
  }
  return { lines: Buffer.from(lines.join('')), events };
}

/** What a log's bytes say, up to the first line that does not verify. */
export interface LogReading {
  /** The events that verify, in whole commands. */
  readonly events: readonly SessionEvent[];
  /** Bytes that those events take: where the next line belongs. */
  readonly length: number;
  /** Why the bytes after `length` are not events, when there are any. */
  readonly rest?: LogRest;
}

export interface LogRest {
  /** `seq` that the first line of the rest should have. */
  readonly seq: number;
  /** What is wrong with it, in words for a person. */
  readonly finding: string;
  /**
   * Whether it can be what a stopped write left: it is one line at the end, or a last command that is not whole.
   * A rest that goes on after a bad line never is.
   */
  readonly torn: boolean;
}

/** Reads a log and checks every line against `docs/STORAGE.md`: hash, link, position, session, time, order. */
export function readLog(bytes: Uint8Array, storeId: string, sid: string): LogReading {
  const events: SessionEvent[] = [];
  let prev = genesisHash(storeId, sid);
  let offset = 0;
  /** Events and bytes up to the end of the last whole command. */
  let whole = { events: 0, length: 0 };
  while (offset < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, offset);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(offset, end);
    const event = newline < 0 ? INCOMPLETE : readLine(line, sid, events, prev);
    if ('finding' in event) {
      // What a stopped write leaves is the end of the log, and has no hash that matches it.
      const torn = event.damaged && end + 1 >= bytes.length;
      const rest = { seq: events.length, finding: event.finding, torn };
      return { events: events.slice(0, whole.events), length: whole.length, rest };
    }
    events.push(event);
    prev = event.hash;
    offset = end + 1;
    if (endsCommand(event)) whole = { events: events.length, length: offset };
  }
  if (whole.length === bytes.length) return { events, length: whole.length };
  const rest = { seq: whole.events, finding: 'incomplete command', torn: true };
  return { events: events.slice(0, whole.events), length: whole.length, rest };
}

function endsCommand(event: SessionEvent): boolean {
  return event.data.parts === undefined || event.data.part === event.data.parts;
}

/** What is wrong with a line; `damaged`: its bytes are not those that were sealed. */
interface BadLine {
  readonly finding: string;
  readonly damaged: boolean;
}

const INCOMPLETE: BadLine = { finding: 'incomplete line', damaged: true };

/** Whether a line is the part of a command that has to come after the line before. */
function continuesCommand(data: SessionEvent['data'], before: SessionEvent['data']): boolean {
  const within = typeof before.part === 'number' && before.part !== before.parts;
  if (within) return data.part === (before.part as number) + 1 && data.parts === before.parts;
  return data.part === undefined
    ? data.parts === undefined
    : data.part === 1 && Number.isSafeInteger(data.parts);
}

/** The event of a line (without its newline), or what is wrong with it. */
function readLine(
  line: Uint8Array,
  sid: string,
  before: readonly SessionEvent[],
  prev: string,
): SessionEvent | BadLine {
  const damaged = (finding: string) => ({ finding, damaged: true });
  const seal = SEAL.exec(Buffer.from(line.subarray(-SEAL_BYTES)).toString('latin1'));
  if (!seal) return damaged('no hash at the end of the line');
  const hash = createHash('sha256')
    .update(LINE_HASH_PREFIX)
    .update(line.subarray(0, -SEAL_BYTES))
    .update('}')
    .digest('hex');
  if (hash !== seal[1]) return damaged('the hash does not match the line');
  const body = parseBody(line.subarray(0, -SEAL_BYTES));
  const finding = body === undefined ? 'not JSON in UTF-8' : misplaced(body, sid, before, prev);
  return finding === undefined ? deepFreeze({ ...body, hash } as SessionEvent) : { finding, damaged: false };
}

/** Why a line that is as it was sealed does not belong at this place, if it does not. */
function misplaced(
  body: Omit<SessionEvent, 'hash'>,
  sid: string,
  before: readonly SessionEvent[],
  prev: string,
): string | undefined {
  if (Object.keys(body).join() !== MEMBERS) return `the members are not ${MEMBERS}`;
  if (body.v !== 1) return `line format ${String(body.v)} is not known`;
  if (body.sid !== sid) return 'the line belongs to another session';
  if (body.seq !== before.length) return `seq is ${String(body.seq)}, not ${before.length}`;
  if (body.prev !== prev) return 'prev is not the hash of the event before';
  if (typeof body.at !== 'string' || !isJsonObject(body.data)) return 'at or data is of another kind';
  const last = before.at(-1);
  if (last && body.at < last.at) return 'the time is earlier than that of the event before';
  return continuesCommand(body.data, last?.data ?? {})
    ? undefined
    : 'the parts of a command do not follow each other';
}

function parseBody(bodyWithoutBrace: Uint8Array): Omit<SessionEvent, 'hash'> | undefined {
  try {
    return JSON.parse(`${utf8.decode(bodyWithoutBrace)}}`);
  } catch {
    return undefined;
  }
}

/** Of two times in the wire's form the later one: such texts sort as the times do. A clock may be set back. */
function later(left: string, right: string): string {
  return [left, right].sort().at(-1) as string;
}
