/**
 * The words of a text as a search compares them. A store indexes what this gives of a session's text, and looks for
 * what it gives of a question. Pure.
 */

/** So many UTF-16 units of a word are looked at, since databases have limits of their own: PostgreSQL takes 2,046 bytes. */
const WORD_LENGTH = 500;

/**
 * The words of a text, each once: runs of letters and digits, in lower case and without accents; of a long word its first 500
 * UTF-16 units, or 499 where the 500th is the first half of a letter. A session fits a question when each of the question's
 * words begins one of the session's, and it has any.
 */
export function wordsOf(text: string): string[] {
  const folded = text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    // How a sigma is written depends on whether a letter follows, which the beginning of a word cannot know.
    .replaceAll('ς', 'σ');
  return [...new Set((folded.match(/[\p{L}\p{N}]+/gu) ?? []).map(beginning))];
}

/** Of a letter that two units make, none is left alone. */
function beginning(word: string): string {
  return word.slice(0, WORD_LENGTH).replace(/[\ud800-\udbff]$/, '');
}
