/** Cursors: what was sealed is opened, for the same question alone; anything else is refused. */
import { expect, test } from '@jest/globals';
import { openCursor, sealCursor } from '../../src/session/domain/session-cursor.js';

const ASKED = { filter: { statuses: ['created', 'error'], labels: { a: '1', b: '2' } }, order: 'newest' };
const LOC = ['query', 'cursor'];
const POSITION = '2024-01-15T10:30:45.123Z sess_20240115_103045_a1b2c3';
const refused = (type: string) =>
  expect.objectContaining({ faults: [{ type, loc: LOC, msg: expect.any(String) }] });

test.each([POSITION, '1', 'ä\u{1f49a}\n', 'x'.repeat(1_000)])('the position %j comes back', (position) => {
  const cursor = sealCursor(position, ASKED);
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(openCursor(cursor, ASKED, LOC)).toBe(position);
});

test('what is asked is the same whatever the order of its members, and whether absent ones are named', () => {
  const same = {
    order: 'newest',
    filter: { labels: { b: '2', a: '1' }, userId: undefined, statuses: ['created', 'error'] },
  };
  expect(openCursor(sealCursor(POSITION, ASKED), same, LOC)).toBe(POSITION);
});

test.each([
  ['another order', { ...ASKED, order: 'oldest' }],
  ['no filter', { filter: {}, order: 'newest' }],
  ['a filter more', { ...ASKED, filter: { ...ASKED.filter, userId: 'me' } }],
  ['another value', { ...ASKED, filter: { ...ASKED.filter, labels: { a: '1', b: '3' } } }],
  ['a value of another name', { ...ASKED, filter: { ...ASKED.filter, labels: { a: '2', b: '1' } } }],
  ['fewer statuses', { ...ASKED, filter: { ...ASKED.filter, statuses: ['created'] } }],
])('a cursor is refused with %s', (_what, asked) => {
  const open = () => openCursor(sealCursor(POSITION, ASKED), asked, LOC);
  expect(open).toThrow(refused('cursor_mismatch') as never);
});

test.each([
  ['nothing', ''],
  ['a word', 'garbage'],
  ['a number', '0'],
  ['the position itself', POSITION],
  ['the position, encoded', Buffer.from(POSITION).toString('base64url')],
  ['zeros', Buffer.alloc(40).toString('base64url')],
  ['beyond ASCII', 'ä\u{1f49a}'],
])('no cursor is %s', (_what, text) => {
  expect(() => openCursor(text, ASKED, LOC)).toThrow(refused('cursor_invalid') as never);
});

test('a cursor of no position is none', () => {
  expect(() => openCursor(sealCursor('', ASKED), ASKED, LOC)).toThrow(refused('cursor_invalid') as never);
});

test('a cursor of which any character was changed, lost or added is none', () => {
  const cursor = sealCursor(POSITION, ASKED);
  const open = (text: string) => () => openCursor(text, ASKED, LOC);
  for (let at = 0; at < cursor.length; at++) {
    const [before, after] = [cursor.slice(0, at), cursor.slice(at + 1)];
    const other = cursor[at] === 'A' ? 'B' : 'A';
    for (const text of [before + other + after, before + after, `${before}${cursor[at]}=${after}`, before])
      expect(open(text)).toThrow(refused('cursor_invalid') as never);
  }
});
