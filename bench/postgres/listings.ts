/**
 * Every documented filter of lists and what they are combined to, with values that many, few and no sessions have: what
 * EXPLAIN is asked about.
 */

import type { ListQuery, SessionFilter } from '../../dist/session/store/session-store.js';
import { COMMON_WORD, RARE_WORD, SELDOM_WORD } from '../data-set/vocabulary.js';

/** A session of the data set in the middle of its time, for cursors and times. */
export interface Middle {
  readonly id: string;
  readonly createdAt: Date;
}

const PAGE = 50;
const HOUR_MS = 3_600_000;
/** The first and the last of the people in vocabulary.ts: a sixth of all sessions, and one of a thousand. */
const BUSY = 'alice.adler@example.com';
const SELDOM = 'tara.jansen@example.com';
const OPEN = ['created', 'requirement_submitted', 'matches_found'];

export function listings({ id, createdAt }: Middle, sessions: number): Record<string, ListQuery> {
  const at = (hours: number) => new Date(createdAt.getTime() + hours * HOUR_MS).toISOString();
  const list = (filter: SessionFilter, more: Partial<ListQuery> = {}): ListQuery => ({
    filter,
    limit: PAGE,
    ...more,
  });
  const after = `${createdAt.getTime()}:${id}`;
  const oldest = { order: 'oldest' as const };
  const day = { createdAfter: at(-12), createdBefore: at(12) };
  return {
    'no filter': list({}),
    'no filter, oldest first': list({}, oldest),
    'no filter, from the middle': list({}, { after }),
    'no filter, oldest first, from the middle': list({}, { ...oldest, after }),
    'offset 1,000': list({}, { offset: 1_000 }),
    'offset to the middle': list({}, { offset: Math.floor(sessions / 2) }),
    'a status of most': list({ statuses: ['completed'] }),
    'a status of few': list({ statuses: ['created'] }),
    'a status of none': list({ statuses: ['corrupted'] }),
    'several statuses': list({ statuses: OPEN }),
    'several statuses, oldest first, from the middle': list({ statuses: OPEN }, { ...oldest, after }),
    'several statuses, of which some are of none': list({ statuses: ['corrupted', 'created', 'gone'] }),
    'a busy user': list({ userId: BUSY }),
    'a user of few': list({ userId: SELDOM }),
    'a user of none': list({ userId: 'nobody' }),
    'a user of few, from the middle': list({ userId: SELDOM }, { after }),
    'user and status': list({ userId: BUSY, statuses: ['completed'] }),
    'user and several statuses': list({ userId: SELDOM, statuses: OPEN }),
    'created after': list({ createdAfter: at(0) }),
    'created before': list({ createdBefore: at(0) }),
    'created on a day': list(day),
    'a day and a status': list({ ...day, statuses: ['created'] }),
    'a day and a user': list({ ...day, userId: SELDOM }),
    'a label of many': list({ labels: { team: 'payments' } }),
    'a label of few': list({ labels: { repo: 'etl' } }),
    'a label of none': list({ labels: { repo: 'nowhere' } }),
    'several labels': list({ labels: { team: 'mobile', repo: 'etl', priority: 'urgent', quarter: 'q4' } }),
    'label and status': list({ labels: { team: 'payments' }, statuses: ['created'] }),
    'label and several statuses': list({ labels: { repo: 'etl' }, statuses: OPEN }),
    'label and user': list({ labels: { repo: 'etl' }, userId: SELDOM }),
    'a word of most': list({ text: COMMON_WORD }),
    'a word of most, oldest first, from the middle': list({ text: COMMON_WORD }, { ...oldest, after }),
    'a word of few': list({ text: SELDOM_WORD }),
    'a word of hardly any': list({ text: RARE_WORD }),
    'a word of none': list({ text: 'xyzzy' }),
    'a word of most and one of hardly any': list({ text: `${COMMON_WORD} ${RARE_WORD}` }),
    'word and user': list({ text: SELDOM_WORD, userId: SELDOM }),
    'word and status': list({ text: COMMON_WORD, statuses: ['created'] }),
    'all filters at once': list({
      ...day,
      text: COMMON_WORD,
      labels: { team: 'payments' },
      statuses: ['completed', 'error'],
      userId: BUSY,
    }),
  };
}
