/** Session ids: made from one reading of the clock, read back, and nothing else accepted. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isLegacyId, makeSessionId, parseSessionId } from '../../src/session/domain/session-id.js';

const BORN = new Date('2024-01-15T10:30:45.123Z');

describe('a session id', () => {
  test('is made of the UTC date and time and six hexadecimal digits', () => {
    expect(makeSessionId(BORN, 'a1b2c3')).toBe('sess_20240115_103045_a1b2c3');
  });

  test('is in UTC whatever the offset of the clock that was read', () => {
    expect(makeSessionId(new Date('2024-01-15T00:30:00+02:00'), '000000')).toBe(
      'sess_20240114_223000_000000',
    );
  });

  test.each(['A1B2C3', 'a1b2c', 'a1b2c3d', '../../', ''])('is not made with the suffix "%s"', (suffix) => {
    expect(() => makeSessionId(BORN, suffix)).toThrow(RangeError);
  });

  test('tells its time and its day folder', () => {
    expect(parseSessionId('sess_20240115_103045_a1b2c3')).toEqual({
      createdAt: new Date('2024-01-15T10:30:45.000Z'),
      day: '2024-01-15',
    });
  });

  test('sorts as text in the order of creation', () => {
    const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(times, times, (left, right) => {
        const [leftId, rightId] = [makeSessionId(left, '000000'), makeSessionId(right, '000000')];
        const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
        expect(Math.sign(seconds(left) - seconds(right))).toBe(
          leftId === rightId ? 0 : leftId < rightId ? -1 : 1,
        );
      }),
    );
  });

  test('survives the round trip at every second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_799 }), (second) => {
        const at = new Date(second * 1000);
        expect(parseSessionId(makeSessionId(at, 'ffffff'))?.createdAt).toEqual(at);
      }),
    );
  });

  test.each([
    'sess_20240230_103045_a1b2c3',
    'sess_20240431_103045_a1b2c3',
    'sess_20230229_103045_a1b2c3',
    'sess_20241301_103045_a1b2c3',
    'sess_20240115_240000_a1b2c3',
    'sess_20240115_106045_a1b2c3',
    'sess_20240115_103060_a1b2c3',
    'sess_20240115_103045_A1B2C3',
    'sess_20240115_103045_a1b2c3\n',
    'sess_20240115_103045_a1b2c3/..',
    ' sess_20240115_103045_a1b2c3',
    'sess_20240115_103045',
    '',
  ])('is not %j', (text) => {
    expect(parseSessionId(text)).toBeUndefined();
  });
});

describe('the name of a folder that the Python component made', () => {
  test.each(['assessment-7', 'A', '2024.01.15_x', 'a'.repeat(128)])('may be %s', (name) => {
    expect(isLegacyId(name)).toBe(true);
  });

  test.each(['', '.', '..', '.tmp-sess', '../x', 'a/b', 'a\\b', 'a b', 'a\0', '-x', 'a'.repeat(129)])(
    'is never %j',
    (name) => {
      expect(isLegacyId(name)).toBe(false);
    },
  );
});
