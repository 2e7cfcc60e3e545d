/**
 * What was acknowledged survives a power cut, simulated: a life of a data folder is recorded, the power cut at every
 * moment of it, and a store started on what the disk may hold then. Each sync that the promise rests on is taken out once,
 * and the same simulation has to find what that breaks. A failure names its seed: POWER_CUT_SEED=… npm test replays it;
 * POWER_CUT_DRAWN=… draws more outcomes at each moment than the two of the short form.
 */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { EXTREMES } from './power-cut-outcomes.js';
import { cutEverywhere, endOf, type Forgetting, type Recording, record } from './power-cut-simulation.js';

const SEED = Number(process.env.POWER_CUT_SEED ?? Math.floor(Math.random() * 1_000_000));
const DRAWN = Number(process.env.POWER_CUT_DRAWN ?? 2);

describe(`A power cut (seed ${SEED})`, () => {
  let recording: Recording;
  beforeAll(async () => {
    recording = await record(SEED);
  });

  test('is simulated on the disk that there really was: no change of it is missing in the journal', () => {
    expect(new Map([...endOf(recording)].sort())).toEqual(new Map([...recording.end].sort()));
  });

  test('is simulated from a seed, which records the same life again', async () => {
    const calls = ({ journal }: Recording) =>
      journal.map((entry) =>
        'operation' in entry ? `${entry.kind} ${entry.operation.call}` : entry.fact.told,
      );
    expect(calls(await record(SEED))).toEqual(calls(recording));
  });

  test('at any moment undoes nothing that anybody was told, and leaves no command by half', async () => {
    const cuts = { recording, outcomes: EXTREMES, drawn: DRAWN, enough: 5 };
    expect((await cutEverywhere(cuts)).join('\n\n')).toBe('');
  }, 600_000);
});

const DAY_FOLDER = /^data\/[\d-]+$/;
const SESSION_FOLDER = /^data\/[\d-]+\/sess_\w+$/;
const fits =
  (pattern: RegExp): Forgetting =>
  (path) =>
    pattern.test(path);
/** Of the syncs of day folders those after a change of a kind. */
const ofDayFolderAfter =
  (isTheChange: (to: string) => boolean): Forgetting =>
  (path, disk) => {
    const change = DAY_FOLDER.test(path) ? disk.lastChangeIn(path) : undefined;
    return change?.call === 'rename' && isTheChange(change.to);
  };
const removes = (to: string) => to.includes('.tmp-removed-');

const LOST = /acknowledged, and|is corrupted/;
const controls: [forgotten: string, forgets: Forgetting, broken: RegExp][] = [
  ['the data folder’s own place', fits(/^$/), LOST],
  ['.store in the data folder, and day folders', fits(/^data$/), LOST],
  ['the content of format.json', fits(/format\.json\.tmp$/), /does not open/],
  ['the place of format.json', fits(/^data\/\.store$/), /does not open/],
  ['the log of a session under construction', fits(/\.tmp-sess_\w+\/events\.jsonl$/), LOST],
  ['the folder of a session under construction', fits(/\.tmp-sess_\w+$/), LOST],
  ['the day folder', fits(DAY_FOLDER), LOST],
  ['the day folder when a session takes its place', ofDayFolderAfter((to) => !removes(to)), LOST],
  ['the day folder when a session is removed', ofDayFolderAfter(removes), /was removed, and is back/],
  ['the log that was appended to', fits(/\/sess_\w+\/events\.jsonl$/), LOST],
  ['the content of a log that is put in place as a whole', fits(/events\.jsonl\.tmp$/), LOST],
  ['the folder in which a log was put in place as a whole', fits(SESSION_FOLDER), LOST],
  ['the torn tail that is kept', fits(/\.torn-1$/), /has lost events.jsonl.torn-1/],
  [
    'the day folders, at a start after a kill',
    (path, disk) => disk.stage === 'starting' && DAY_FOLDER.test(path),
    /acknowledged, and|is back/,
  ],
  [
    'what was under way, at a start after a kill: the log',
    (path, disk) => disk.stage === 'starting' && path.endsWith('/events.jsonl'),
    LOST,
  ],
  [
    'what was under way, at a start after a kill: its place',
    (path, disk) => disk.stage === 'starting' && SESSION_FOLDER.test(path),
    LOST,
  ],
];

describe('A disk that forgets to sync', () => {
  test.each(controls)('%s is found out', async (_, forgets, broken) => {
    const recording = await record(SEED, forgets);
    const outcomes = { 'nothing that was not synced': EXTREMES['nothing that was not synced']! };
    const breaches = await cutEverywhere({ recording, outcomes, drawn: 0, enough: 1 });
    expect(breaches.join('\n\n')).toMatch(broken);
  });
});
