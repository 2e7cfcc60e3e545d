/**
 * Session ids: `sess_20240115_103045_a1b2c3`. Readable (date and time in UTC), sortable (by second, as text),
 * unique (24 random bits, and the store refuses a taken one). Pure: the clock and the randomness come in as
 * arguments.
 */

const SESSION_ID = /^sess_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})_[0-9a-f]{6}$/;
const LEGACY_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** What a session id says of its session. */
export interface SessionIdParts {
  /** Creation time in UTC, whole seconds. */
  readonly createdAt: Date;
  /** Creation day in UTC, `2024-01-15`: the name of the day folder. */
  readonly day: string;
}

/**
 * @param at time of creation; the id carries its UTC date and time
 * @param suffix six lower-case hexadecimal digits of randomness
 */
export function makeSessionId(at: Date, suffix: string): string {
  const [date, time] = at.toISOString().slice(0, 19).split('T') as [string, string];
  const id = `sess_${date.replaceAll('-', '')}_${time.replaceAll(':', '')}_${suffix}`;
  if (!SESSION_ID.test(id)) throw new RangeError(`not a session id: ${id}`);
  return id;
}

/** Reads an id of the grammar with a real calendar date and time; anything else is `undefined`. */
export function parseSessionId(id: string): SessionIdParts | undefined {
  const digits = SESSION_ID.exec(id);
  if (!digits) return undefined;
  const [, year, month, dayOfMonth, hour, minute, second] = digits;
  const day = `${year}-${month}-${dayOfMonth}`;
  const text = `${day}T${hour}:${minute}:${second}.000Z`;
  const createdAt = new Date(text);
  // Date accepts some impossible dates (31 April) and rolls them over; only an exact round trip is real.
  if (Number.isNaN(createdAt.getTime()) || createdAt.toISOString() !== text) return undefined;
  return { createdAt, day };
}

/**
 * Whether a text may be the name of a folder that the Python component made under another scheme.
 * Never true of a name that begins with a dot or holds a path separator.
 */
export function isLegacyId(id: string): boolean {
  return LEGACY_ID.test(id);
}
