/** The line format and its chain: what is sealed reads back, and what was altered is found. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { genesisHash, type LogPosition, readLog, sealEvents } from '../../src/session/domain/event-log.js';
import type { EventDraft } from '../../src/session/domain/session-event.js';

const STORE = '6b1f0f4e-7a52-4b8e-9a57-3f1f0b1c2d3e';
const SID = 'sess_20240115_103045_a1b2c3';
const AT = new Date('2024-01-15T10:30:45.123Z');
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');
const start: LogPosition = { sid: SID, revision: 0, head: genesisHash(STORE, SID), updatedAt: '' };
const step = (name: string): EventDraft => ({ type: 'step_completed', data: { step: name } });
const created: EventDraft = {
  type: 'session_created',
  data: { user_id: 'ü', status: 'created', labels: {} },
};

/** A log of the given commands, each a list of events. */
function logOf(...commands: EventDraft[][]): Buffer {
  let position = start;
  const lines: Buffer[] = [];
  for (const events of commands) {
    const sealed = sealEvents(position, { at: AT, actor: 'me', events });
    const last = sealed.events.at(-1)!;
    position = { sid: SID, revision: last.seq + 1, head: last.hash, updatedAt: last.at };
    lines.push(sealed.lines);
  }
  return Buffer.concat(lines);
}

const LOG = logOf([created], [step('a')], [step('b'), step('c')], [step('d')]);
const read = (bytes: Uint8Array) => readLog(bytes, STORE, SID);

describe('a line', () => {
  test('is the body with its hash put in before the closing brace', () => {
    const [line] = LOG.toString().split('\n') as [string];
    const body = line.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}');
    expect(Object.keys(JSON.parse(body))).toEqual(['v', 'sid', 'seq', 'prev', 'at', 'type', 'actor', 'data']);
    expect(JSON.parse(line).hash).toBe(sha256(`session-event/1\n${body}`));
    expect(JSON.parse(line).prev).toBe(sha256(`session-genesis/1\n${STORE}\n${SID}`));
  });

  test('is never earlier than the one before, though the clock was set back', () => {
    const position = { ...start, revision: 3, updatedAt: '2030-01-01T00:00:00.000Z' };
    expect(sealEvents(position, { at: AT, actor: null, events: [step('a')] }).events[0]!.at).toBe(
      '2030-01-01T00:00:00.000Z',
    );
  });

  test('of a command of several says which part it is; of a command of one it does not', () => {
    expect(read(LOG).events.map(({ data }) => [data.part, data.parts])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [1, 2],
      [2, 2],
      [undefined, undefined],
    ]);
  });
});

describe('a log', () => {
  test('reads back whole', () => {
    const reading = read(LOG);
    expect(reading.rest).toBeUndefined();
    expect(reading.length).toBe(LOG.length);
    expect(reading.events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4]);
  });

  test('that is empty has no events', () => {
    expect(read(Buffer.alloc(0))).toEqual({ events: [], length: 0 });
  });

  test('of another session or another store does not verify', () => {
    expect(readLog(LOG, STORE, 'sess_20240115_103045_ffffff').rest?.seq).toBe(0);
    expect(readLog(LOG, 'another-store', SID).rest).toMatchObject({ seq: 0 });
  });

  test('with any one bit flipped is found, with the event where it was', () => {
    const ends = [...LOG.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index);
    for (let offset = 0; offset < LOG.length; offset++) {
      const altered = Buffer.from(LOG);
      altered[offset]! ^= 1 << (offset % 8);
      const { rest } = read(altered);
      const line = ends.findIndex((end) => offset <= end);
      // A command is all or nothing: damage in its second part takes back the first.
      expect([offset, rest?.seq]).toEqual([offset, rest?.finding === 'incomplete command' ? 2 : line]);
    }
  });

  test('with a line taken out, doubled or swapped is found', () => {
    const lines = LOG.toString().split('\n').slice(0, -1);
    const found = (altered: string[]) => read(Buffer.from(`${altered.join('\n')}\n`)).rest?.finding;
    for (let i = 0; i < lines.length - 1; i++) {
      expect(found(lines.toSpliced(i, 1))).toBeDefined();
      expect(found(lines.toSpliced(i, 0, lines[i]!))).toBeDefined();
      expect(found(lines.with(i, lines[i + 1]!).with(i + 1, lines[i]!))).toBeDefined();
    }
  });

  test('that was sealed anew with other members, another version or another order of time is found', () => {
    const forge = (change: (body: Record<string, unknown>) => object) => {
      const [first, second] = LOG.toString().split('\n') as [string, string];
      const { hash: _, ...body } = JSON.parse(second);
      const text = JSON.stringify(change(body));
      const hash = sha256(`session-event/1\n${text}`);
      return read(Buffer.from(`${first}\n${text.slice(0, -1)},"hash":"${hash}"}\n`)).rest?.finding;
    };
    expect(forge((body) => body)).toBeUndefined();
    expect(forge((body) => ({ ...body, v: 2 }))).toMatch(/format 2/);
    expect(forge((body) => ({ ...body, extra: 1 }))).toMatch(/members/);
    expect(forge((body) => ({ ...body, seq: 7 }))).toMatch(/seq is 7/);
    expect(forge((body) => ({ ...body, at: '2020-01-01T00:00:00.000Z' }))).toMatch(/earlier/);
    expect(forge((body) => ({ ...body, data: null }))).toMatch(/kind/);
    expect(forge((body) => ({ ...body, v: { toString: null } }))).toMatch(/no line format/);
    for (const odd of [
      { seq: '1' },
      { type: 7 },
      { actor: 7 },
      { at: 'zzz' },
      { at: '2099-13-45T99:99:99.000Z' },
    ])
      expect(forge((body) => ({ ...body, ...odd }))).toMatch(/kind/);
    expect(forge((body) => ({ ...body, sid: 'another' }))).toMatch(/another session/);
  });
});

describe('a log that ends too early', () => {
  test('is read up to the last whole command, wherever it was cut', () => {
    const wholeAt = [0, 1, 2, 4, 5].map((count) => {
      const lines = LOG.toString().split('\n').slice(0, count);
      return { count, length: Buffer.byteLength(lines.map((line) => `${line}\n`).join('')) };
    });
    for (let length = 0; length <= LOG.length; length++) {
      const reading = read(LOG.subarray(0, length));
      const whole = wholeAt.findLast((at) => at.length <= length)!;
      expect([length, reading.length, reading.events.length]).toEqual([length, whole.length, whole.count]);
      expect([length, reading.rest?.torn]).toEqual([length, length === whole.length ? undefined : true]);
    }
  });

  test('has a torn tail only when nothing follows the bad line', () => {
    const lines = LOG.toString().split('\n');
    const badLast = Buffer.from(`${lines.slice(0, 2).join('\n')}\nrubbish\n`);
    const badMiddle = Buffer.from(`${lines[0]}\nrubbish\n${lines[1]}\n`);
    expect(read(badLast).rest).toMatchObject({ seq: 2, torn: true });
    expect(read(badMiddle).rest).toMatchObject({ seq: 1, torn: false });
  });
});

describe('a log from whose last write a power cut kept some pages', () => {
  const PARTS = ['b', 'c', 'd'].map(step);
  const before = logOf([created], [step('a')]);
  const after = logOf([created], [step('a')], PARTS);
  const inLast = (from: number, to: number) =>
    Buffer.from(after).fill(0, before.length + from, before.length + to);
  const lineLength = (after.length - before.length) / PARTS.length;

  test('has a torn tail, wherever the missing bytes are', () => {
    for (let from = 0; from < after.length - before.length; from += 50) {
      for (const length of [1, 50, lineLength, 2 * lineLength]) {
        const reading = read(inLast(from, Math.min(from + length, after.length - before.length)));
        expect([from, length, reading.events.length, reading.rest?.torn]).toEqual([from, length, 2, true]);
      }
    }
  });

  test('has one also when the end of the write is missing too', () => {
    const reading = read(inLast(10, 60).subarray(0, after.length - 20));
    expect(reading).toMatchObject({ length: before.length, rest: { seq: 2, torn: true } });
  });

  test('is damaged, and not torn, when bytes are missing in what was there before that write', () => {
    for (let from = 0; from < before.length; from += 50) {
      const reading = read(Buffer.from(after).fill(0, from, from + 10));
      expect([from, reading.rest?.torn]).toEqual([from, false]);
    }
  });

  test('is damaged when what stands there instead was written by somebody', () => {
    const altered = Buffer.from(after.toString('latin1').replace('"step":"b"', '"step":"B"'), 'latin1');
    expect(read(altered).rest).toMatchObject({ seq: 2, torn: false });
  });

  test('is damaged when a line of it is of another session, stands there twice, or is one too many', () => {
    const [b, c, d] = after.toString().split('\n').slice(2) as [string, string, string];
    const rest = (...lines: string[]) =>
      read(Buffer.from(`${before}${lines.map((line) => `${line}\n`).join('')}`)).rest;
    const hole = `\0${'x'.repeat(20)}`;
    expect(rest(hole, c, d)?.torn).toBe(true);
    expect(rest(b, hole, d)?.torn).toBe(true);
    const foreign = sealEvents(
      { ...start, sid: 'sess_20240115_103045_ffffff', revision: 2 },
      { at: AT, actor: 'me', events: PARTS },
    );
    for (const lines of [
      [hole, foreign.lines.toString().split('\n')[1]!, d],
      [hole, c, c],
      [hole, d, c],
      [hole, hole, c, d],
    ])
      expect(rest(...lines)?.torn).toBe(false);
  });

  test('is damaged when another command follows: its write was acknowledged before', () => {
    const longer = logOf([created], [step('a')], PARTS, [step('e')]);
    expect(read(Buffer.from(longer).fill(0, before.length + 10, before.length + 20)).rest?.torn).toBe(false);
  });
});

test('a line that is deeper than the stack is read as any other', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const [first] = LOG.toString().split('\n') as [string];
  const body = `${first.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}').replace('"labels":{}', `"labels":{},"x":${deep}`)}`;
  const line = `${body.slice(0, -1)},"hash":"${sha256(`session-event/1\n${body}`)}"}\n`;
  expect(read(Buffer.from(line))).toMatchObject({ length: Buffer.byteLength(line) });
});
