/**
 * The address of a PostgreSQL database: whether a text is one, where it leads, and how it is shown. Of its password only the
 * driver knows. What stands behind `?` comes before the rest, as it does for the driver.
 */

/** What makes a place another one. Empty where the address leaves it to the driver. */
export interface DatabasePlace {
  readonly user: string;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  /** Settings of its connections: by `search_path` a database may hold several stores. */
  readonly options: string;
}

export const DATABASE_ADDRESS =
  'like postgres://user:password@host/database, with what is special in a password encoded';

/** What an address or PGSSLMODE may ask of TLS: the driver passes over any other word, and then nothing is encrypted. */
export const TLS_MODES: readonly string[] = [
  'disable',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
];

/** With the name of a database: without it, the one that is called as the user would be meant. */
export function isDatabaseAddress(text: unknown): text is string {
  if (typeof text !== 'string' || !/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { pathname, hash } = new URL(text);
  // A password that is not encoded may end an address before its `@`, and would be taken for a part of it that is shown.
  return /^\/[^@]+$/.test(pathname) && hash === '';
}

export function databasePlace(address: string): DatabasePlace {
  const { hostname, port, pathname, searchParams, username } = new URL(address);
  const behind = new Map(searchParams);
  return {
    user: behind.get('user') || decoded(username),
    host: behind.get('host') || decoded(hostname),
    port: behind.get('port') || port,
    database: decoded(pathname.slice(1)),
    options: behind.get('options') ?? '',
  };
}

/** Like `postgres://user@host:5432/database`, for people. */
export function shownAddress(address: string): string {
  const { user, host, port, database } = databasePlace(address);
  return `postgres://${user && `${user}@`}${host}${port && `:${port}`}/${database}`;
}

export function isSamePlace(one: string, other: string): boolean {
  return JSON.stringify(databasePlace(one)) === JSON.stringify(databasePlace(other));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
