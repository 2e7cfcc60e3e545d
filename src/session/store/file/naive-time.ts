/**
 * Times as Python's `datetime.isoformat()` writes them, with or without a zone, as UTC. Uses the runtime's own time
 * zone data (Intl); pure otherwise.
 */

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * @param text `2024-01-15T10:30:45.123456`, with a zone or without; digits beyond milliseconds are cut off
 * @param timeZone IANA name of the zone that a text without one is taken in. Of a time that a change of clocks
 *   repeats, the first is meant; one that it skips is moved on by what was skipped.
 * @returns RFC 3339, UTC, milliseconds; `undefined` when the text is not such a time
 */
export function naiveTimeToUtc(text: string, timeZone: string): string | undefined {
  const match = ISO_TIME.exec(text);
  if (!match) return undefined;
  const [, date, clock, fraction = '', zone] = match as unknown as [string, string, string, string?, string?];
  const seconds = clock.length === 5 ? `${clock}:00` : clock;
  const local = `${date}T${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString() !== `${local}Z`) return undefined;
  const instant = zone
    ? Date.parse(`${local}${zone.replace(/(\d{2}):?(\d{2})$/, '$1:$2')}`)
    : utcOf(asUtc, timeZone);
  // A zone may take the first and the last hours out of the years that are written with four digits.
  const utc = Number.isNaN(instant) ? undefined : new Date(instant).toISOString();
  return utc?.length === '2024-01-15T10:30:45.123Z'.length ? utc : undefined;
}

/** Whether the runtime knows a time zone by this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** The instant at which clocks of the zone show what `wallClock` shows as UTC. */
function utcOf(wallClock: number, timeZone: string): number {
  const day = 24 * 60 * 60 * 1000;
  // The offsets a day before and after are the only two that can apply around a change of clocks.
  const candidates = [wallClock - day, wallClock + day].map((near) => wallClock - offsetAt(near, timeZone));
  const exact = candidates.filter((instant) => instant + offsetAt(instant, timeZone) === wallClock);
  return Math.min(...(exact.length > 0 ? exact : candidates.slice(0, 1)));
}

/** What clocks of the zone are ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    era: 'short',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instant);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const isBefore = parts.some(({ type, value }) => type === 'era' && value.startsWith('B'));
  // Date.UTC takes a year below 100 for one of the last century.
  const shown = new Date(0).setUTCFullYear(
    isBefore ? 1 - of('year') : of('year'),
    of('month') - 1,
    of('day'),
  );
  const clock = (of('hour') * 60 + of('minute')) * 60 + of('second');
  return shown + clock * 1000 - Math.floor(instant / 1000) * 1000;
}
