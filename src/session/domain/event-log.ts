/**
 * The log's line format and its hash chain: seal events into lines, read lines back and check every link.
 * docs/STORAGE.md is the specification of what this file does. Pure; node:crypto for its hash alone.
 */

import { hash as hashOf } from 'node:crypto';
import { deepFreeze, isJsonObject } from './json.js';
import type { EventDraft, SessionEvent } from './session-event.js';
import { LIMITS } from './session-rules.js';

const LINE_HASH_PREFIX = 'session-event/1\n';
const GENESIS_PREFIX = 'session-genesis/1\n';
/** `,"hash":"` + 64 hexadecimal digits + `"}`: what stands between a line's body and its newline. */
const SEAL = /^,"hash":"([0-9a-f]{64})"\}$/;
const SEAL_BYTES = 75;
const MEMBERS = 'v,sid,seq,prev,at,type,actor,data';
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const NEWLINE = 0x0a;
const NUL = 0x00;
const CLOSING_BRACE = 0x7d;
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
  return hashOf('sha256', `${GENESIS_PREFIX}${storeId}\n${sid}`);
}

/** Where the log of a session stands; of one that is not there yet, at its beginning. */
export function logPosition(storeId: string, sid: string, session?: Omit<LogPosition, 'sid'>): LogPosition {
  if (!session) return { sid, revision: 0, head: genesisHash(storeId, sid), updatedAt: '' };
  const { revision, head, updatedAt } = session;
  return { sid, revision, head, updatedAt };
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
    const hash = hashOf('sha256', `${LINE_HASH_PREFIX}${text}`);
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
  /** Whether it can be what a stopped write left of one command: see `isTorn`. */
  readonly torn: boolean;
}

/** Reads a log and checks every line against `docs/STORAGE.md`: hash, link, position, session, time, order. */
export function readLog(bytes: Uint8Array, storeId: string, sid: string): LogReading {
  const events: SessionEvent[] = [];
  /** Events and bytes up to the end of the last whole command. */
  let whole = { events: 0, length: 0 };
  const lines = linesOf(bytes, sid, beginning(storeId, sid));
  for (const line of lines) {
    if (line.fault) {
      const torn = isTorn([line, ...upTo(LIMITS.events, lines)], sid, whole.events);
      const rest = { seq: events.length, finding: line.fault.message, torn };
      return { events: events.slice(0, whole.events), length: whole.length, rest };
    }
    const event = line.event as SessionEvent;
    events.push(event);
    if (endsCommand(event)) whole = { events: events.length, length: line.end };
  }
  if (whole.length === bytes.length) return { events, length: whole.length };
  const rest = { seq: whole.events, finding: INCOMPLETE_COMMAND, torn: true };
  return { events: events.slice(0, whole.events), length: whole.length, rest };
}

/**
 * Reads lines out of a log, of which the first has to be the event `first`, up to one that does not verify. Where that is
 * not the first of the log, nobody can say whether it continues the line before.
 */
export function readPiece(
  bytes: Uint8Array,
  storeId: string,
  sid: string,
  first: number,
): { readonly events: readonly SessionEvent[]; readonly finding?: string } {
  const events: SessionEvent[] = [];
  const begin = first === 0 ? beginning(storeId, sid) : { seq: first, prev: undefined, unknown: 0 };
  for (const { event, fault } of linesOf(bytes, sid, begin)) {
    if (fault) return { events, finding: fault.message };
    events.push(event as SessionEvent);
  }
  return { events };
}

export type LineFaultKind = 'line_altered' | 'line_malformed' | 'line_misplaced' | 'command_incomplete';

/** One thing that is wrong with a log. */
export interface LineFault {
  readonly kind: LineFaultKind;
  /** In words for a person. */
  readonly message: string;
}

/** A log has no more lines than a session events; after as many that are bad, nobody reads on. */
const MAX_BAD_LINES = LIMITS.events;

/** Lines one after another that have the same fault: a log that was moved here whole is one and not thousands. */
interface FaultyLines extends LineFault {
  readonly seq: number;
  readonly first: number;
  last: number;
}

/**
 * Everything that is wrong with a log, each with the `seq` that should stand there, and not only the first. After a
 * bad line the next one that is as it was sealed is believed about where it stands, so that one fault is told once.
 */
export function* faultsOf(
  bytes: Uint8Array,
  storeId: string,
  sid: string,
): Generator<LineFault & { readonly seq: number }> {
  let faulty: FaultyLines | undefined;
  let last: Line | undefined;
  let [number, bad] = [0, 0];
  for (last of linesOf(bytes, sid, beginning(storeId, sid))) {
    number += 1;
    if (!last.fault) continue;
    bad += 1;
    if (faulty && faulty.last === number - 1 && faulty.message === last.fault.message) faulty.last = number;
    else {
      if (faulty) yield told(faulty);
      faulty = { ...last.fault, seq: last.seq, first: number, last: number };
    }
    if (bad > MAX_BAD_LINES) break;
  }
  if (faulty) yield told(faulty);
  if (last?.event && !last.fault && !endsCommand(last.event))
    yield { seq: last.seq + 1, kind: 'command_incomplete', message: INCOMPLETE_COMMAND };
}

function told({ seq, kind, message, first, last }: FaultyLines): LineFault & { readonly seq: number } {
  const where = first === last ? `line ${first}` : `lines ${first} to ${last}`;
  return { seq, kind, message: `${where}: ${message}` };
}

const INCOMPLETE_COMMAND = 'incomplete command';

function endsCommand(event: SessionEvent): boolean {
  return event.data.parts === undefined || event.data.part === event.data.parts;
}

/** A line where it stands: an event, or a fault, or an event that does not belong there. */
interface Line {
  /** `seq` that belongs here. */
  readonly seq: number;
  /** Offset of the byte behind its newline. */
  readonly end: number;
  /** Absent where the bytes are not those of a sealed event. */
  readonly event: SessionEvent | undefined;
  readonly fault: LineFault | undefined;
  /** Whether it has NUL bytes: no event has, and a power cut leaves them where it kept a write from the disk. */
  readonly unwritten: boolean;
}

/** What the next line has to continue. */
interface Expected {
  readonly seq: number;
  /** Not known where the line before was not read. */
  readonly prev: string | undefined;
  readonly last?: SessionEvent;
  /** Lines since `last` whose bytes are not what was sealed: each may have been an event, or none. */
  readonly unknown: number;
}

function beginning(storeId: string, sid: string): Expected {
  return { seq: 0, prev: genesisHash(storeId, sid), unknown: 0 };
}

function* linesOf(bytes: Uint8Array, sid: string, begin: Expected): Generator<Line> {
  let expected = begin;
  for (let offset = 0; offset < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, offset);
    const end = newline < 0 ? bytes.length : newline + 1;
    const text = bytes.subarray(offset, newline < 0 ? end : newline);
    const read = newline < 0 ? altered('incomplete line') : unseal(text);
    const event = 'hash' in read ? read : undefined;
    const fault = 'hash' in read ? misplaced(read, sid, expected) : read;
    const seq = expected.seq + expected.unknown;
    yield { seq, end, event, fault, unwritten: !event && text.includes(NUL) };
    expected = after(expected, sid, event);
    offset = end;
  }
}

/** A line of this session that stands further on is believed: lines before it are missing. Others change nothing. */
function after(expected: Expected, sid: string, event: SessionEvent | undefined): Expected {
  if (!event) return { ...expected, unknown: expected.unknown + 1 };
  if (event.sid !== sid || !(event.seq >= expected.seq)) return expected;
  return { seq: event.seq + 1, prev: event.hash, last: event, unknown: 0 };
}

/**
 * Whether the rest of a log can be what a stopped write left: that writes the lines of one command, and stops within
 * them. So one damaged line at the end; or, where a power cut kept pages in the middle of the write from the disk,
 * lines with unwritten bytes among lines that are all of the one command which begins where the rest does.
 */
function isTorn(rest: readonly Line[], sid: string, begin: number): boolean {
  const [bad] = rest;
  if (!bad || !isDamaged(bad) || rest.length > LIMITS.events) return false;
  if (rest.length === 1) return true;
  const last = rest.length - 1;
  if (rest.some((line, index) => isDamaged(line) && !line.unwritten && index !== last)) return false;
  const good = rest.filter((line) => !isDamaged(line)).map(({ event }) => event);
  return areOfOneCommand(good, sid, begin) && rest.length <= Number(good[0]?.data.parts ?? rest.length);
}

/** Whether these are parts of one command, in their order, whose first event is at `begin`. */
function areOfOneCommand(events: readonly (SessionEvent | undefined)[], sid: string, begin: number): boolean {
  return events.every((event, index) => {
    if (event?.sid !== sid) return false;
    const { part, parts } = event.data;
    const before = Number(events[index - 1]?.data.part ?? 0);
    const inOrder = typeof part === 'number' && part > before && event.seq - (part - 1) === begin;
    return inOrder && parts === events[0]?.data.parts;
  });
}

function* upTo<T>(limit: number, items: Iterable<T>): Generator<T> {
  let left = limit;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

function isDamaged({ fault }: Line): boolean {
  return fault?.kind === 'line_altered';
}

function altered(message: string): LineFault {
  return { kind: 'line_altered', message };
}

/** Whether a line is the part of a command that has to come after the line before. */
function continuesCommand(data: SessionEvent['data'], before: SessionEvent['data']): boolean {
  const within = typeof before.part === 'number' && before.part !== before.parts;
  if (within) return data.part === (before.part as number) + 1 && data.parts === before.parts;
  return data.part === undefined
    ? data.parts === undefined
    : data.part === 1 && Number.isSafeInteger(data.parts);
}

/** The event of a line (without its newline), or why it is none. */
function unseal(line: Uint8Array): SessionEvent | LineFault {
  const start = Math.max(0, line.length - SEAL_BYTES);
  const seal = Buffer.from(line.buffer, line.byteOffset + start, line.length - start).toString('latin1');
  const hash = sealOf(line.subarray(0, start));
  if (seal !== `,"hash":"${hash}"}`)
    return altered(SEAL.test(seal) ? 'the hash does not match the line' : 'no hash at the end of the line');
  const body = parseBody(line.subarray(0, start));
  const message = body === undefined ? 'not JSON in UTF-8' : malformed(body);
  if (message !== undefined) return { kind: 'line_malformed', message };
  // Member by member: spreading what was parsed costs as much as parsing it.
  const { v, sid, seq, prev, at, type, actor, data } = body as Omit<SessionEvent, 'hash'>;
  return deepFreeze({ v, sid, seq, prev, at, type, actor, data, hash });
}

/** What is hashed is put together here: what goes before a body, the body, and its closing brace. */
const sealed = { prefix: Buffer.from(LINE_HASH_PREFIX), bytes: Buffer.alloc(4_096) };

function sealOf(bodyWithoutBrace: Uint8Array): string {
  const { prefix } = sealed;
  const end = prefix.length + bodyWithoutBrace.length;
  const bytes = end < sealed.bytes.length ? sealed.bytes : Buffer.alloc(end + 1);
  bytes.set(prefix);
  bytes.set(bodyWithoutBrace, prefix.length);
  bytes[end] = CLOSING_BRACE;
  return hashOf('sha256', bytes.subarray(0, end + 1));
}

/** Why a line that is as it was sealed is no event, if it is none. */
function malformed(body: Omit<SessionEvent, 'hash'>): string | undefined {
  if (!isJsonObject(body) || Object.keys(body).join() !== MEMBERS) return `the members are not ${MEMBERS}`;
  if (body.v !== 1)
    return typeof body.v === 'number' ? `line format ${body.v} is not known` : 'it has no line format';
  const { seq, at, type, actor, data } = body;
  const isText = typeof type === 'string' && (actor === null || typeof actor === 'string');
  return isText && Number.isSafeInteger(seq) && isTime(at) && isJsonObject(data)
    ? undefined
    : 'a member is of another kind than it should be';
}

function isTime(at: unknown): boolean {
  if (typeof at !== 'string' || !TIME.test(at)) return false;
  return !Number.isNaN(Date.parse(at));
}

/** Why an event does not belong where it stands, if it does not. */
function misplaced(event: SessionEvent, sid: string, expected: Expected): LineFault | undefined {
  const message = misfit(event, sid, expected);
  return message === undefined ? undefined : { kind: 'line_misplaced', message };
}

function misfit(
  event: SessionEvent,
  sid: string,
  { seq, prev, last, unknown }: Expected,
): string | undefined {
  if (event.sid !== sid) return 'the line belongs to another session';
  if (!(event.seq >= seq && event.seq <= seq + unknown))
    return `seq is ${String(event.seq)}, not ${seq + unknown}`;
  // Behind an unknown line nobody knows what prev should be; that line has been told of.
  if (event.seq === seq && prev !== undefined && event.prev !== prev)
    return 'prev is not the hash of the event before';
  if (last && event.at < last.at) return 'the time is earlier than that of the event before';
  if (unknown > 0 || prev === undefined || continuesCommand(event.data, last?.data ?? {})) return undefined;
  return 'the parts of a command do not follow each other';
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
