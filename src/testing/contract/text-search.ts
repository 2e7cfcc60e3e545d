/**
 * The port's contract: sessions found by words. What is searched and what a word is, `SessionFilter.text` says.
 */

import { expect } from './expect.js';
import {
  allListed,
  BORN,
  idsAt,
  makeSessions,
  opening,
  patching,
  type StoreUnderTest,
} from './store-under-test.js';
import type { TestRunner } from './test-runner.js';

const ABOUT = {
  requirement_text:
    'Export the trail of a Session as a signed file (v2): Ärger, naïveté & co-operation! ' +
    'Привет мир; ΟΔΟΣ οδόστρωμα λόγος; 日本語のテスト; हिन्दी; \u{10400}\u{10401}\nsearch_index 3.14',
};

export function describeTextSearch(tested: StoreUnderTest, { beforeEach, describe, test }: TestRunner): void {
  describe('with a session among others', () => {
    let id: string;
    beforeEach(async () => {
      [, id] = (await makeSessions(
        tested.store,
        { at: '2024-01-15T10:00:00.000Z', userId: 'somebody' },
        {
          at: '2024-01-15T11:00:00.000Z',
          userId: 'developer@example.com',
          labels: { team: 'Payments Abroad', 'repo.name': 'ledger-core' },
          outputs: { requirement: ABOUT, search: { found: 'elsewhere' } },
          stepsCompleted: ['intake_done'],
        },
        { at: '2024-01-15T12:00:00.000Z', userId: 'nobody' },
      )) as [string, string, string];
    });
    const found = (text: string) => allListed(tested.store, { filter: { text }, limit: 10 });

    const questions: [what: string, text: string, fits?: boolean][] = [
      ['a word', 'trail'],
      ['a word in other letters', 'TRAIL'],
      ['the beginning of a word', 'exp'],
      ['a single letter', 'x', false],
      ['several words, in any order', 'signed export'],
      ['the same word twice', 'trail trail'],
      ['the beginnings of several words', 'tra se fi'],
      ['words of different parts', 'export payments developer'],
      ['what stands between brackets', 'v2'],
      ['digits', '3'],
      ['digits and a point', '3.14'],
      ['digits within a word', '2', false],
      ['the end of a word', 'port', false],
      ['the middle of a word', 'ession', false],
      ['a word and one that is not there', 'export nowhere', false],
      ['a longer word', 'exporter', false],
      ['a word with its accent', 'Ärger'],
      ['a word without its accent', 'arger'],
      ['a word with its accent as a sign of its own', 'a\u0308rger'],
      ['a word with accents in capitals', 'NAÏVETÉ'],
      ['a word with an accent that it does not have', 'tráil'],
      ['the parts of a word with a hyphen', 'co-operation'],
      ['the second part of a word with a hyphen', 'operation'],
      ['the second part of a word with an underscore', 'index'],
      ['a word behind a line break', 'search'],
      ['another alphabet', 'прив'],
      ['another alphabet in capitals', 'МИР'],
      ['a sigma that is the last letter there', 'ΛΌΓΟΣ'],
      ['a sigma that is the last letter so far', 'οδοσ'],
      ['a sigma as it is written at the end', 'οδος'],
      ['a sigma as it is written within', 'λογοσ'],
      ['a script without spaces', '日本'],
      ['a script without spaces, from the middle', '本語', false],
      ['a script with vowel signs', 'हिन्दी'],
      ['letters beyond the first plane, in small ones', '\u{10428}\u{10429}'],
      ['a user', 'developer@example.com'],
      ['a part of a user', 'example'],
      ['the key of a label', 'repo'],
      ['the value of a label', 'abroad'],
      ['a label as it is written', 'team payments'],
      ['another output', 'elsewhere', false],
      ['a step', 'intake', false],
      ['a status', 'created', false],
      ['no text', '', false],
      ['spaces', '  ', false],
      ['punctuation', '!?-"*()', false],
      ['punctuation around a word', '"trail"*)'],
      ['what a search engine may take for an operator', 'trail OR nowhere', false],
      ['what SQL may take for a pattern', 'tr%il', false],
      ['a sign that is no letter', '\u{1f49a}', false],
    ];
    for (const [what, text, fits = true] of questions)
      test(`${fits ? 'finds' : 'does not find'} by ${what}: ${JSON.stringify(text)}`, async () => {
        expect(await found(text)).toEqual(fits ? [id] : []);
      });

    test('finds what stands there now, and not what stood there before', async () => {
      await tested.store.append(id, patching({ labels: { team: 'search', 'repo.name': null } }));
      await tested.store.append(id, patching({ outputs: { requirement: { requirement_text: 'Import' } } }));
      for (const gone of ['abroad', 'ledger', 'export'])
        expect([gone, await found(gone)]).toEqual([gone, []]);
      for (const now of ['search', 'import']) expect([now, await found(now)]).toEqual([now, [id]]);
    });

    test('finds by the reasons that were given', async () => {
      const because = (reason: string) => () => {
        const event = { type: 'step_completed' as const, data: { step: reason, reason } };
        return { at: BORN, actor: null, events: [event] };
      };
      await tested.store.append(id, because('the mail of Monday'));
      await tested.store.append(id, because('nightly run'));
      for (const reason of ['monday', 'nightly', 'mail run']) expect(await found(reason)).toEqual([id]);
    });

    test('finds a long word by its first 500 UTF-16 units, and looks at no more of either', async () => {
      const [x, far] = ['x'.repeat(500), '\u{10428}'.repeat(250)];
      const odd = `q${'\u{10428}'.repeat(249)}`;
      const told = `${x}here ${far}here ${odd}\u{10428}here`;
      await tested.store.append(id, patching({ outputs: { requirement: { requirement_text: told } } }));
      for (const fitting of [
        x.slice(1),
        x,
        `${x}here`,
        `${x}there`,
        far,
        `${far}there`,
        odd,
        `${odd}\u{10429}`,
      ])
        expect([fitting, await found(fitting)]).toEqual([fitting, [id]]);
      for (const other of [`${x.slice(1)}y`, `${far.slice(2)}y`, `${odd}y`])
        expect([other, await found(other)]).toEqual([other, []]);
    });

    test('finds after it was closed and opened again', async () => {
      await tested.reopen();
      expect(await found('signed export')).toEqual([id]);
    });

    test('finds no session that was removed', async () => {
      await tested.store.remove(id);
      expect(await found('signed export')).toEqual([]);
    });
  });

  test('finds together with other filters, in order, by pages, with their number', async () => {
    const made: string[] = [];
    for (let n = 0; n < 12; n++) {
      const at = new Date(BORN.getTime() + n * 1_000);
      const labels = { topic: n % 3 === 0 ? 'ledger' : 'Ledgers of old', even: String(n % 2 === 0) };
      made.push((await tested.store.create(idsAt(at), opening('me', at, { labels }))).session.id);
    }
    const filter = { text: 'ledger', labels: { even: 'true' } };
    const even = made.filter((_, n) => n % 2 === 0);
    expect(await allListed(tested.store, { filter, order: 'oldest', limit: 2 })).toEqual(even);
    expect(await allListed(tested.store, { filter, limit: 4 })).toEqual([...even].reverse());
    expect(await tested.store.list({ filter, limit: 1, counted: true })).toMatchObject({ total: 6 });
    expect(
      await tested.store.list({ filter: { text: 'ledgers old' }, limit: 1, counted: true }),
    ).toMatchObject({
      total: 8,
    });
  });
}
