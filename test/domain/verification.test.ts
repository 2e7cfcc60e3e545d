/**
 * Verifying a trail: whatever is done to a log or its view is found, and told with the event where it was done; and of
 * what nobody did, nothing is told.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { genesisHash, type LogPosition, sealEvents } from '../../src/session/domain/event-log.js';
import { fold } from '../../src/session/domain/session.js';
import { toDocument } from '../../src/session/domain/session-document.js';
import type { EventDraft, SessionEvent } from '../../src/session/domain/session-event.js';
import { type Trail, verdict, verifyTrail } from '../../src/session/domain/verification.js';

const STORE = '6b1f0f4e-7a52-4b8e-9a57-3f1f0b1c2d3e';
const SID = 'sess_20240115_103045_a1b2c3';
const AT = new Date('2024-01-15T10:30:45.123Z');
const created: EventDraft = {
  type: 'session_created',
  data: { user_id: 'ü', status: 'created', labels: {} },
};
const step = (name: string): EventDraft => ({ type: 'step_completed', data: { step: name } });

interface Written {
  readonly lines: readonly Buffer[];
  readonly events: readonly SessionEvent[];
}

/** The trail that these commands leave. */
function write(commands: readonly EventDraft[][], sid = SID, storeId = STORE): Written {
  let position: LogPosition = { sid, revision: 0, head: genesisHash(storeId, sid), updatedAt: '' };
  const written: { lines: Buffer[]; events: SessionEvent[] } = { lines: [], events: [] };
  for (const events of commands) {
    const sealed = sealEvents(position, { at: AT, actor: 'me', events });
    const last = sealed.events.at(-1)!;
    position = { sid, revision: last.seq + 1, head: last.hash, updatedAt: last.at };
    for (const line of sealed.lines.toString().split('\n').slice(0, -1))
      written.lines.push(Buffer.from(`${line}\n`));
    written.events.push(...sealed.events);
  }
  return written;
}

const COMMANDS = [[created], [step('a')], [step('b'), step('c')], [step('d')], [step('e')]];
const { lines, events } = write(COMMANDS);
const LOG = Buffer.concat(lines);
const viewAfter = (revision: number, of = events) =>
  Buffer.from(`${JSON.stringify(toDocument(fold(undefined, of.slice(0, revision))!), null, 2)}\n`);
const VIEW = viewAfter(events.length);

const problemsOf = (log: Uint8Array, rest: Partial<Trail> = {}) =>
  verifyTrail({ storeId: STORE, sid: SID, log, view: VIEW, ...rest }).problems;
/** Kinds and places, which programs read. */
const found = (log: Uint8Array, rest: Partial<Trail> = {}) =>
  problemsOf(log, rest).map(({ kind, seq }) => [kind, seq]);
const logOf = (...of: readonly Buffer[]) => Buffer.concat(of);

describe('a trail as it was written', () => {
  test('has no problem', () => {
    const verified = verifyTrail({ storeId: STORE, sid: SID, log: LOG, view: VIEW, known: 6 });
    expect(verdict(verified.events, verified.problems)).toEqual({
      valid: true,
      events: 6,
      head: events[5]!.hash,
      problems: [],
    });
  });

  test('has none while its view is late, whatever revision that shows', () => {
    for (const revision of [1, 2, 4, 5]) expect(found(LOG, { view: viewAfter(revision) })).toEqual([]);
  });

  test('has none in a store that keeps no views', () => {
    expect(found(LOG, { view: null })).toEqual([]);
  });
});

describe('with a byte altered', () => {
  const endOfLine = lines.map((_, n) => logOf(...lines.slice(0, n + 1)).length);

  test('every single one, in every bit, the first problem names the event where it is', () => {
    for (let offset = 0; offset < LOG.length; offset++) {
      const line = endOfLine.findIndex((end) => offset < end);
      for (let bit = 0; bit < 8; bit++) {
        const altered = Buffer.from(LOG);
        altered[offset]! ^= 1 << bit;
        const [first] = problemsOf(altered);
        if (first?.kind !== 'line_altered' || first.seq !== line) expect([offset, bit, first]).toEqual([]);
      }
    }
  });

  test('nothing else is told when the line is still one line', () => {
    const altered = Buffer.from(LOG.toString().replace('"step":"b"', '"step":"B"'));
    expect(problemsOf(altered)).toEqual([
      { seq: 2, kind: 'line_altered', message: 'line 3: the hash does not match the line' },
    ]);
  });

  test('two of them in two events are two problems', () => {
    const altered = Buffer.from(
      LOG.toString().replace('"step":"a"', '"step":"A"').replace('"step":"d"', '"step":"D"'),
    );
    expect(found(altered)).toEqual([
      ['line_altered', 1],
      ['line_altered', 4],
    ]);
  });
});

describe('with a line', () => {
  const positions = lines.map((_, n) => n);
  const last = lines.length - 1;

  test.each(positions.slice(0, -1))('taken out (%i), the next one is told to be in the wrong place', (n) => {
    const [first] = found(logOf(...lines.toSpliced(n, 1)));
    expect(first).toEqual(['line_misplaced', n]);
  });

  test('taken from the end, the view tells that there was one', () => {
    expect(found(logOf(...lines.slice(0, last)))).toEqual([['events_missing', last]]);
  });

  test('taken from the end, the running store tells it though the view was taken back too', () => {
    const cut = logOf(...lines.slice(0, last));
    expect(found(cut, { view: viewAfter(last), known: 6 })).toEqual([['events_missing', last]]);
  });

  test('taken from the end together with the view’s last change, nobody can tell: docs/STORAGE.md, 10', () => {
    expect(found(logOf(...lines.slice(0, last)), { view: viewAfter(last) })).toEqual([]);
  });

  test.each(positions)('doubled (%i), the second is told, and nothing else', (n) => {
    expect(found(logOf(...lines.toSpliced(n, 0, lines[n]!)))).toEqual([['line_misplaced', n + 1]]);
  });

  test.each(positions.slice(0, -1))('swapped with the next one (%i), it is told where they are', (n) => {
    const swapped = logOf(...lines.with(n, lines[n + 1]!).with(n + 1, lines[n]!));
    expect(found(swapped)[0]).toEqual(['line_misplaced', n]);
  });

  test.each(positions)('of another session in its place (%i), it is told', (n) => {
    const other = write(COMMANDS, 'sess_20240115_103045_ffffff').lines;
    expect(found(logOf(...lines.with(n, other[n]!)))[0]).toEqual(['line_misplaced', n]);
  });

  test.each(positions)('of the same session of another store in its place (%i), it is told', (n) => {
    const other = write([
      [{ ...created, data: { ...created.data, user_id: 'x' } } as EventDraft],
      ...COMMANDS.slice(1),
    ]);
    const [first] = found(logOf(...lines.with(n, other.lines[n]!)));
    // A first line that is sealed anew is right in itself; the second one then shows that it is not the old one.
    expect(first).toEqual(['line_misplaced', n === 0 ? 1 : n]);
  });

  test.each(positions.slice(0, -1))('that stands again at the end (%i), only that is told', (n) => {
    expect(found(logOf(...lines, lines[n]!))).toEqual([['line_misplaced', lines.length]]);
    expect(found(logOf(...lines.toSpliced(last, 0, lines[n]!)))).toEqual([['line_misplaced', last]]);
  });

  test.each(positions)('of another session put in between (%i), only that is told', (n) => {
    const other = write(COMMANDS, 'sess_20240115_103045_ffffff').lines;
    expect(found(logOf(...lines.toSpliced(n, 0, other[last]!)))).toEqual([['line_misplaced', n]]);
  });

  test('of rubbish put in between, it is told, and the lines after it are not', () => {
    expect(found(logOf(...lines.toSpliced(2, 0, Buffer.from('rubbish\n'))))).toEqual([['line_altered', 2]]);
  });

  test('that is sealed and no event, it is told as such', () => {
    const body = '{"v":2}';
    const hash = createHash('sha256').update(`session-event/1\n${body}`).digest('hex');
    const sealed = Buffer.from(`${body.slice(0, -1)},"hash":"${hash}"}\n`);
    expect(found(logOf(...lines.with(3, sealed)))).toEqual([['line_malformed', 3]]);
  });
});

describe('a whole log', () => {
  test('of another session, or of another store, does not verify from its first line on', () => {
    expect(problemsOf(LOG, { sid: 'sess_20240115_103045_ffffff' })[0]).toEqual({
      kind: 'line_misplaced',
      seq: 0,
      message: 'lines 1 to 6: the line belongs to another session',
    });
    expect(found(LOG, { storeId: 'another' })).toEqual([['line_misplaced', 0]]);
  });

  test('that is empty makes no session', () => {
    expect(found(Buffer.alloc(0), { view: null })).toEqual([['state_impossible', 0]]);
    expect(found(Buffer.alloc(0))).toEqual([['events_missing', 0]]);
  });

  test('that is well chained and makes no sense is told', () => {
    const twice = write([[created], [created]]);
    expect(found(logOf(...twice.lines), { view: viewAfter(1, twice.events) })).toEqual([
      ['state_impossible', 1],
    ]);
  });

  test.each<[string, EventDraft]>([
    ['a step without a name', { type: 'step_completed', data: {} } as never],
    ['a time that is text', { type: 'timing_recorded', data: { name: 'a_ms', ms: 'soon' } } as never],
    ['labels that are none', { type: 'labels_changed', data: {} } as never],
    ['a status that is a list', { type: 'status_changed', data: { from: 'a', to: [] } } as never],
    ['an output without a value', { type: 'output_recorded', data: { name: 'a' } } as never],
    ['a failure of nothing', { type: 'failure_recorded', data: { error: {} } } as never],
  ])('that was chained right by somebody who wrote %s is told, with the event', (_, odd) => {
    const forged = write([[created], [step('a')], [odd], [step('b')]]);
    const [problem] = problemsOf(logOf(...forged.lines), { view: null });
    expect(problem).toMatchObject({ kind: 'state_impossible', seq: 2 });
    expect(problem!.message).toContain(odd.type);
  });

  test('with an event of a type that is not known is fine, whatever its data', () => {
    const later = write([[created], [{ type: 'review_asked', data: { of: 7 } } as never], [step('b')]]);
    expect(found(logOf(...later.lines), { view: null })).toEqual([]);
  });

  test('that ends within a command which the view knows of is told', () => {
    expect(found(logOf(...lines.slice(0, 3)), { view: viewAfter(4) })).toEqual([
      ['command_incomplete', 3],
      ['events_missing', 3],
    ]);
  });

  test('that has more than the running store wrote is told', () => {
    expect(found(LOG, { known: 5 })).toEqual([['events_added', 5]]);
  });
});

describe('what a stopped write left', () => {
  test.each([
    ['half a line', '{"v":1,"sid"'],
    ['a line of rubbish', 'rubbish\n'],
    ['zeros', '\0\0\0\0'],
  ])('(%s) is a torn tail and nothing else', (_, tail) => {
    expect(found(Buffer.concat([LOG, Buffer.from(tail)]))).toEqual([['torn_tail', 6]]);
  });

  test('within a command is told with the place where the command began', () => {
    expect(found(logOf(...lines.slice(0, 3)), { view: viewAfter(2) })).toEqual([['torn_tail', 2]]);
    const half = Buffer.concat([...lines.slice(0, 3), Buffer.from('{"v":1')]);
    expect(found(half, { view: viewAfter(2) })).toEqual([['torn_tail', 2]]);
  });

  test('does not hide that the events before it make no session', () => {
    const forged = write([[created], [created]]);
    const torn = Buffer.concat([...forged.lines, Buffer.from('{"v":1')]);
    expect(found(torn, { view: null })).toEqual([
      ['torn_tail', 2],
      ['state_impossible', 1],
    ]);
  });

  test('is none when no whole event stands before it: then there is no session', () => {
    expect(found(LOG.subarray(0, 50), { view: null })).toEqual([['line_altered', 0]]);
  });

  test('is none when it takes the place of an event that the view knows of', () => {
    const cut = Buffer.concat([...lines.slice(0, 5), Buffer.from('{"v":1')]);
    expect(found(cut)).toEqual([
      ['line_altered', 5],
      ['events_missing', 5],
    ]);
  });
});

describe('a view', () => {
  test('that says something else than the log is told', () => {
    const altered = Buffer.from(VIEW.toString().replace('"status": "created"', '"status": "completed"'));
    expect(found(LOG, { view: altered })).toEqual([['view_altered', null]]);
  });

  test.each([
    ['empty', ''],
    ['half written', VIEW.toString().slice(0, 50)],
    ['a list', '[]'],
    ['nobody’s', '{}'],
  ])('that is %s is told', (_, text) => {
    expect(found(LOG, { view: Buffer.from(text) })).toEqual([['view_altered', null]]);
  });

  test.each([
    ['names a member twice', VIEW.toString().replace('{', '{\n  "status": "completed",')],
    ['begins with a byte order mark', `\ufeff${VIEW}`],
    ['writes a number otherwise', VIEW.toString().replace('"revision": 6', '"revision": 6.0')],
  ])('that %s is told: a person reads something else there than a program', (_, text) => {
    expect(found(LOG, { view: Buffer.from(text) })).toEqual([['view_altered', null]]);
  });

  test('may be without indentation, as a long one is', () => {
    expect(found(LOG, { view: Buffer.from(`${JSON.stringify(JSON.parse(VIEW.toString()))}\n`) })).toEqual([]);
  });

  test('that is missing is told', () => {
    expect(found(LOG, { view: undefined })).toEqual([['view_missing', null]]);
  });

  test('may be the Python component’s document for as long as it takes to write ours', () => {
    const document = '{"status": "created"}';
    const imported: EventDraft = {
      type: 'session_imported',
      data: {
        document,
        document_sha256: createHash('sha256').update(document).digest('hex'),
        created_at: AT.toISOString(),
        status: 'created',
        user_id: null,
        steps_completed: [],
        timing: {},
        summary: { requirement_text: null, jira_epic_id: null, total_story_points: null, total_hours: null },
      },
    };
    const adopted = write([[imported], [step('a')]]);
    expect(found(logOf(...adopted.lines), { view: Buffer.from(document) })).toEqual([]);
    expect(found(logOf(...adopted.lines), { view: Buffer.from('{"status": "completed"}') })).toEqual([
      ['view_altered', null],
    ]);
  });
});

test('of hundreds of problems the first hundred are told, and that there are more', () => {
  const many = write([[created], ...Array.from({ length: 300 }, (_, n) => [step(`s${n}`)])]);
  const altered = Buffer.from(
    logOf(...many.lines)
      .toString()
      .replaceAll(/"step":"s(\d*[02468]")/g, '"step":"S$1'),
  );
  const { problems } = verifyTrail({ storeId: STORE, sid: SID, log: altered, view: null });
  const told = verdict(many.events, problems);
  expect(told).toMatchObject({ valid: false });
  expect(told.problems).toHaveLength(100);
  expect(told.problems.at(-1)!.message).toMatch(/; and there are more$/);
});

test('of a file of millions of newlines not each is told: it takes no minutes, and no memory', () => {
  const log = Buffer.alloc(64 * 1024 * 1024, '\n');
  const begun = performance.now();
  const before = process.memoryUsage().heapUsed;
  expect(problemsOf(log, { view: null }).length).toBeLessThan(200);
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
});
