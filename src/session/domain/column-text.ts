/**
 * Texts as a column of a database can hold them. Neither SQLite nor PostgreSQL has a NUL in a text, and half a pair of
 * UTF-16 has no UTF-8; what the Python component left may have either. Pure.
 */

const ESCAPE = '\u0001';

/** A text as a column holds it: as it is, but for what no column can hold. */
export function toColumn(text: string): string {
  const isHeld = text.isWellFormed() && !text.includes('\0') && !text.startsWith(ESCAPE);
  return isHeld ? text : ESCAPE + JSON.stringify(text);
}

/** The text that a column holds. @throws SyntaxError for what `toColumn` has not made */
export function fromColumn(column: string): string {
  return column.startsWith(ESCAPE) ? JSON.parse(column.slice(ESCAPE.length)) : column;
}
