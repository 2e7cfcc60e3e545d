/**
 * Text for a terminal: numbers, durations, and what others wrote made safe to show. Pure.
 */

/** `1 session`, `1,000 sessions`. */
export function count(n: number, thing: string): string {
  return `${n.toLocaleString('en')} ${thing}${n === 1 ? '' : 's'}`;
}

/**
 * What somebody else wrote, on one line: control characters, which a terminal would obey, and characters that cannot be
 * seen or turn the direction of text are shown by their code.
 */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The beginning of a long text. */
export function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text;
}

/** Milliseconds as people say them: `250 ms`, `1.25 s`, `17.3 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24).toLocaleString('en')} d ${hours % 24} h`;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `width` columns for the part from `from` to `to` of a whole, each from 0 to 1; never invisible. */
export function bar(from: number, to: number, width: number): string {
  const start = Math.min(Math.floor(from * width), width - 1);
  const eighths = Math.max(1, Math.min(Math.round((to - from) * width * 8), (width - start) * 8));
  return ' '.repeat(start) + '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** Rows as columns that stand below each other; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const lengthOf = (cell: string) => [...cell].length;
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => lengthOf(row[column] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] as number) - lengthOf(cell))))
      .join('  ')
      .trimEnd(),
  );
}
