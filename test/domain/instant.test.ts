/** Times that people write: read as whole milliseconds in UTC, or not at all. */
import { describe, expect, test } from '@jest/globals';
import { instantOf } from '../../src/session/domain/instant.js';

describe('a time is read', () => {
  test.each([
    ['2024-01-15T10:30:45.123Z', '2024-01-15T10:30:45.123Z'],
    ['2024-01-15T10:30:45Z', '2024-01-15T10:30:45.000Z'],
    ['2024-01-15t10:30:45z', '2024-01-15T10:30:45.000Z'],
    ['2024-01-15T10:30:45.5Z', '2024-01-15T10:30:45.500Z'],
    ['2024-01-15T10:30:45+01:00', '2024-01-15T09:30:45.000Z'],
    ['2024-01-15T00:30:00+14:00', '2024-01-14T10:30:00.000Z'],
    ['2024-01-15T23:30:00-05:30', '2024-01-16T05:00:00.000Z'],
    ['2024-01-15T10:30:45-00:00', '2024-01-15T10:30:45.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2024-01-15', '2024-01-15T00:00:00.000Z'],
    ['0000-01-01', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31', '9999-12-31T00:00:00.000Z'],
  ])('%s as %s', (text, instant) => {
    expect(instantOf(text)).toBe(instant);
  });

  test.each([
    ['2024-01-15T10:30:45.1230000Z', '2024-01-15T10:30:45.123Z'],
    ['2024-01-15T10:30:45.1230001Z', '2024-01-15T10:30:45.124Z'],
    ['2024-12-31T23:59:59.999999Z', '2025-01-01T00:00:00.000Z'],
  ])('as the first millisecond that is not earlier: %s as %s', (text, instant) => {
    expect(instantOf(text)).toBe(instant);
  });
});

test.each([
  ['nothing', ''],
  ['a word', 'yesterday'],
  ['a year', '2024'],
  ['a month', '2024-01'],
  ['a number', '1705314645'],
  ['30 February', '2024-02-30'],
  ['29 February of a common year', '2023-02-29T00:00:00Z'],
  ['31 April', '2024-04-31'],
  ['month 13', '2024-13-01'],
  ['day 0', '2024-01-00'],
  ['hour 24', '2024-01-15T24:00:00Z'],
  ['minute 60', '2024-01-15T10:60:00Z'],
  ['a leap second', '2016-12-31T23:59:60Z'],
  ['a time of no place', '2024-01-15T10:30:45'],
  ['a time without seconds', '2024-01-15T10:30Z'],
  ['a space for the T', '2024-01-15 10:30:45Z'],
  ['a + that became a space', '2024-01-15T10:30:45 01:00'],
  ['an offset without a colon', '2024-01-15T10:30:45+0100'],
  ['an offset of a day', '2024-01-15T10:30:45+24:00'],
  ['a point without digits', '2024-01-15T10:30:45.Z'],
  ['a year of five digits', '12024-01-15'],
  ['a year with a sign', '+002024-01-15'],
  ['spaces around it', ' 2024-01-15 '],
  ['a line break behind it', '2024-01-15\n'],
  ['digits of another script', '\u0662\u0660\u0662\u0664-01-15'],
  ['a time before the first year', '0000-01-01T00:00:00+01:00'],
  ['a time behind the last year', '9999-12-31T23:59:59-01:00'],
  ['a fraction that ends behind the last year', '9999-12-31T23:59:59.9999Z'],
])('a time is not read from %s', (_what, text) => {
  expect(instantOf(text)).toBeUndefined();
});
