/**
 * Times that people and programs write into a query, as sessions have them: UTC, milliseconds. Pure.
 */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** RFC 3339, 5.6, without leap seconds: date, time, digits of the second's fraction, offset. */
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;
/** The times that RFC 3339 can write. */
const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * The first millisecond that is not earlier than what a text says: an RFC 3339 date-time, or a date, which stands for
 * its midnight in UTC. Anything else, and what the calendar does not have, is `undefined`.
 *
 * Not earlier, because sessions have whole milliseconds: those at or after 10:30:45.1239 are those at or after .124.
 */
export function instantOf(text: string): string | undefined {
  const [, day = '', time, fraction = '', offset = ''] =
    DATE_TIME.exec(DAY.test(text) ? `${text}T00:00:00Z` : text) ?? [];
  if (!isCalendarDay(day)) return undefined;
  const milliseconds = Date.parse(
    `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${offset.toUpperCase()}`,
  );
  const instant = milliseconds + (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
  return instant >= FIRST && instant <= LAST ? new Date(instant).toISOString() : undefined;
}

/** Date makes the 1st of March of a 30th of February; only a date that comes back as it was is one. */
function isCalendarDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00.000Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
