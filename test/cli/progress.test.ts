/** The line that tells how far a command is. */

import { expect, test } from '@jest/globals';
import { lineOf } from '../../src/cli/progress.js';

const said = (done: number, total: number | undefined, ms: number, note = '') =>
  lineOf('looked through', 'day folder', { done, note, total }, ms);

test('How far it is: of how many, and how long it takes still', () => {
  expect(said(15, 60, 1_000)).toBe('looked through 15 of 60 day folders, 3.00 s left');
  expect(said(15, 60, 1_000, '7 sessions')).toBe(
    'looked through 15 of 60 day folders, 3.00 s left, 7 sessions',
  );
  expect(said(60, 60, 1_000)).toBe('looked through 60 of 60 day folders, 0 ms left');
});

test('Nothing is said of what is not known: how many there are, and how long none of them takes', () => {
  expect(said(15, undefined, 5_013)).toBe('looked through 15 day folders');
  expect(said(0, 60, 5_013)).toBe('looked through 0 of 60 day folders');
});

test('Where some were added meanwhile, there is no time left over that would be negative', () => {
  expect(said(15, 0, 5_013)).toBe('looked through 15 day folders');
  expect(said(61, 60, 5_013)).toBe('looked through 61 day folders');
});
