/**
 * The numbers of PostgreSQL's advisory locks that this store takes, which all programs of a database share: no other should
 * come upon these by chance. A database may have several stores, each in a schema of its own: all but the first are of one.
 */
export const ADVISORY_LOCKS = {
  /** Whoever brings the tables up to date. */
  migrating: '7310891206445712417',
  /** Whoever makes a partition. */
  partitions: '7310891206445712418',
  /** Whoever copies a store into the database, as long as its connection lasts. */
  copying: '7310891206445712419',
} as const;

/** A lock of this store and no other, as an expression of SQL: its tables have to be there. */
export function ofThisStore(number: string): string {
  return `(${number}::bigint # 'sessions'::regclass::oid::bigint)`;
}
