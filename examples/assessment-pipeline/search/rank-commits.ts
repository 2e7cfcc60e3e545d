/**
 * Ranks the messages of commits against a text with BM25. Pure; imports minisearch only.
 */

import MiniSearch from 'minisearch';
import type { Commit } from '../git-history.js';

export interface Match {
  readonly commit: Commit;
  /** BM25; comparable within one search only. */
  readonly score: number;
  /** Which words of the requirement the message has. */
  readonly words: readonly string[];
}

/** Selected are the matches with at least this share of the best one's score … */
const SHARE_OF_BEST = 0.25;
/** … but no fewer than the best three, where there are so many, and no more than ten. */
const FEWEST = 3;
const MOST = 10;
const MAX_WORDS = 32;
/** A word of at least this length also finds the words that begin with it. */
const PREFIX_LENGTH = 4;
const UNTELLING = new Set(
  'about after all also and any are been before but can each for from had has have how into its more must new not off one only our out shall should some such than that the their them then there they this use was were what when where which while who will with would you your'.split(
    ' ',
  ),
);

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** The words of a text that say something: three characters or more, in the singular where that is only an `s`. */
export function tellingWords(text: string): string[] {
  const telling = wordsOf(text).filter((word) => word.length >= 3 && !UNTELLING.has(word));
  const stems = telling.map((word) => (word.length > 4 ? word.replace(/(?<!s)s$/, '') : word));
  return [...new Set(stems)].slice(0, MAX_WORDS);
}

/** Every commit whose message has one of the words, best first; of equals the newer. */
export function rankCommits(commits: readonly Commit[], words: readonly string[]): Match[] {
  const index = new MiniSearch<{ id: number; message: string }>({ fields: ['message'], tokenize: wordsOf });
  index.addAll(commits.map(({ message }, id) => ({ id, message })));
  const found = index.search(words.join(' '), { prefix: (word) => word.length >= PREFIX_LENGTH });
  return found
    .map(({ id, score, queryTerms }) => ({
      id: id as number,
      score: rounded(score),
      words: queryTerms.sort(),
    }))
    .sort((one, other) => other.score - one.score || one.id - other.id)
    .map(({ id, score, words }) => ({ commit: commits[id] as Commit, score, words }));
}

export function selectBest(matches: readonly Match[]): Match[] {
  const least = SHARE_OF_BEST * (matches[0]?.score ?? 0);
  return matches.slice(0, MOST).filter(({ score }, rank) => rank < FEWEST || score >= least);
}

/** The command that lists the same matches. Words are letters and digits: nothing in them needs quoting. */
export function matchesCommand(words: readonly string[], head: string): string {
  const beginnings = words.filter((word) => word.length >= PREFIX_LENGTH);
  const whole = words.filter((word) => word.length < PREFIX_LENGTH);
  const wholeWords = whole.length > 0 ? [`(${whole.join('|')})([^[:alnum:]]|$)`] : [];
  const pattern = `(^|[^[:alnum:]])(${[...beginnings, ...wholeWords].join('|')})`;
  return `git log --no-merges -i -E --grep='${pattern}' --oneline ${head}`;
}

function rounded(score: number): number {
  return Math.round(score * 10_000) / 10_000;
}
