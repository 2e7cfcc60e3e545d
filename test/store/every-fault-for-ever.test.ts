/**
 * Promise: a failing disk loses nothing silently. Every call that the store makes of the file system is failed in turn
 * and from then on until the fault is lifted, in every way; a client that wrote down what it was told looks after each step, when the fault is over,
 * and after the store was opened again.
 */

import { expect, test } from '@jest/globals';
import { playAll, playHere } from './every-fault.js';
import { MISFORTUNES, type MisfortuneName } from './faulty-disk.js';

playHere();

test.each(Object.keys(MISFORTUNES) as MisfortuneName[])(
  'A disk with %s, for ever, at any call loses nothing, shows nothing half done, and the store says what was not done',
  async (misfortune) => {
    const wrong = await playAll(misfortune, 'for ever');
    expect(wrong.slice(0, 5).join('\n\n')).toBe('');
  },
);
