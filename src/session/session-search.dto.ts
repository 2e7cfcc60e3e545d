/**
 * The wire shapes of searches: which sessions, in which order, and a page of them. Members with rules are checked for
 * REST clients and for injecting modules alike; a module gives `labels` as an object, a query string as `label.KEY`.
 */

import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { instantOf } from './domain/instant.js';
import {
  cursorRule,
  instantRule,
  integerRule,
  LIMITS,
  labelsRule,
  type Rule,
  searchTextRule,
  statusesRule,
  userIdRule,
  wordRule,
} from './domain/session-rules.js';
import { Keeps } from './keeps.decorator.js';
import { FromDigits, FromDotted, FromOneOrMore, NothingElse } from './query-string.js';
import { ApiIncomplete, SessionListItem } from './session-listing.dto.js';
import type { ListOrder, SessionFilter, SessionPage } from './store/session-store.js';

const ORDERS = ['newest', 'oldest'] as const satisfies readonly ListOrder[];
const CURSOR_EXAMPLE = 'GUeWvyVfDYzl4mEWRPZHHNWE1bQnr4SRSbaUQFvFmBNbIjIwMjQiXQ';

/** A fault of a label is told where it stands, at `label.KEY`, and too many of them at the query: no parameter is `labels`. */
const dottedLabelsRule: Rule = (value, loc) =>
  labelsRule(value, []).map((fault) => {
    const [key] = fault.loc;
    const query = loc.slice(0, -1);
    if (key !== undefined) return { ...fault, loc: [...query, `label.${key}`] };
    // Only another module can give what is no dictionary, and it gave that as `labels`.
    return { ...fault, loc: fault.type === 'dict_type' ? loc : query };
  });

/** `?status=created&user_id=&created_after=&created_before=&label.team=payments&q=`: sessions that fit all of these. */
@NothingElse()
export class SessionFilterQuery {
  @ApiPropertyOptional({
    description:
      'Sessions of this status; repeated, of any of them. One of the lifecycle, or `corrupted`: there and not readable.',
    type: [String],
    maxItems: LIMITS.statusesInQuery,
    example: ['created'],
  })
  @FromOneOrMore()
  @Keeps(statusesRule)
  status?: readonly string[];

  @ApiPropertyOptional({
    description: 'Sessions of this user.',
    type: String,
    maxLength: LIMITS.userIdLength,
    example: 'developer@example.com',
  })
  @Keeps(userIdRule)
  user_id?: string;

  @ApiPropertyOptional({
    description:
      'Created at this time or later: RFC 3339, or a date, which is its midnight in UTC. In an address, `+` is `%2B`.',
    type: String,
    example: '2024-01-15',
  })
  @Keeps(instantRule)
  created_after?: string;

  @ApiPropertyOptional({
    description: 'Created before this time, which may be written in the same ways.',
    type: String,
    example: '2024-01-16T00:00:00Z',
  })
  @Keeps(instantRule)
  created_before?: string;

  /** Described by `ApiSessionFilter`: OpenAPI has no name for `label.KEY`. */
  @ApiHideProperty()
  @FromDotted('label')
  @Keeps(dottedLabelsRule)
  labels?: Readonly<Record<string, string>>;

  @ApiPropertyOptional({
    description:
      'Words to look for in requirement, labels, user and reasons. Each has to begin a word there; case and accents make no difference.',
    type: String,
    minLength: 1,
    maxLength: LIMITS.searchTextLength,
    example: 'export trail',
  })
  @Keeps(searchTextRule)
  q?: string;
}

/** A page of the sessions that fit: `?order=oldest&limit=100&cursor=` beside the filters. */
@NothingElse()
export class SessionSearchQuery extends SessionFilterQuery {
  @ApiPropertyOptional({
    description: 'By time of creation.',
    enum: ORDERS,
    default: 'newest',
    example: 'newest',
  })
  @Keeps(wordRule(ORDERS))
  order: ListOrder = 'newest';

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 50 })
  @FromDigits()
  @Keeps(integerRule(1, 500))
  limit: number = 50;

  @ApiPropertyOptional({
    description:
      'The `next_cursor` of the page before, with the same filters and the same order. The limit may be another.',
    type: String,
    nullable: false,
    example: CURSOR_EXAMPLE,
  })
  @Keeps(cursorRule)
  cursor?: string | null;
}

export class SessionSearchResponse {
  @ApiProperty({ description: 'In the order that was asked for.', type: [SessionListItem] })
  sessions: SessionListItem[];

  @ApiProperty({
    description: 'The `cursor` of the next page; null when this one holds the last session.',
    type: String,
    nullable: true,
    example: CURSOR_EXAMPLE,
  })
  next_cursor: string | null;

  @ApiIncomplete()
  incomplete?: true;

  constructor(page: SessionPage, nextCursor: string | null) {
    this.sessions = page.sessions.map((listed) => new SessionListItem(listed));
    this.next_cursor = nextCursor;
    if (!page.complete) this.incomplete = true;
  }
}

/** The port's filter from the wire's, once its rules are kept: the same for queries that mean the same. */
export function toFilter(query: SessionFilterQuery): SessionFilter {
  const { status, user_id, created_after, created_before, labels, q } = query;
  const labelled = Object.keys(labels ?? {}).length > 0;
  return {
    ...(status != null && { statuses: [...new Set(status)].sort() }),
    ...(user_id != null && { userId: user_id }),
    ...(created_after != null && { createdAfter: instantOf(created_after) }),
    ...(created_before != null && { createdBefore: instantOf(created_before) }),
    ...(labelled && { labels: { ...labels } }),
    ...(q != null && { text: q }),
  };
}
