/**
 * The numbers of PostgreSQL's advisory locks that this store takes, which all programs of a database share: no other should
 * come upon these by chance.
 */
export const ADVISORY_LOCKS = {
  /** Whoever brings the tables up to date. */
  migrating: '7310891206445712417',
  /** Whoever makes a partition. */
  partitions: '7310891206445712418',
  /** Whoever copies a store into the database, as long as its connection lasts. */
  copying: '7310891206445712419',
} as const;
