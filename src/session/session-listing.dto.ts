/**
 * The wire shapes of listings: pages of all sessions and pages of a session's events. Searches are in
 * session-search.dto.ts.
 */

import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type ListedSession, REQUIREMENT_TEXT_SHOWN } from './domain/session-document.js';
import type { SessionEvent } from './domain/session-event.js';
import { integerRule } from './domain/session-rules.js';
import { Keeps } from './keeps.decorator.js';
import { FromDigits } from './query-string.js';
import type { EventPage, SessionPage } from './store/session-store.js';

const ID_EXAMPLE = 'sess_20240115_103045_a1b2c3';
const TIME_EXAMPLE = '2024-01-15T10:30:45.123Z';

/** Describes the member that says that a listing may lack sessions. */
export const ApiIncomplete = () =>
  ApiPropertyOptional({
    description:
      'Only while the store takes stock of what it holds, which it may have to after a start: then sessions may be missing.',
    type: 'boolean',
    enum: [true],
    example: true,
  });

/** `?limit=50&offset=0` */
export class SessionListQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 50 })
  @FromDigits()
  @Keeps(integerRule(1, 500))
  limit: number = 50;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, default: 0 })
  @FromDigits()
  @Keeps(integerRule(0))
  offset: number = 0;
}

/** `?after=12&limit=100` */
export class EventListQuery {
  @ApiPropertyOptional({
    description: 'Only events with a greater `seq`.',
    type: 'integer',
    minimum: 0,
    example: 3,
  })
  @FromDigits()
  @Keeps(integerRule(0))
  after?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 100 })
  @FromDigits()
  @Keeps(integerRule(1, 500))
  limit: number = 100;
}

/** What a person recognises a session by. A session that cannot be read has the status `corrupted`. */
export class SessionListItem {
  @ApiProperty({ example: ID_EXAMPLE })
  session_id: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: TIME_EXAMPLE })
  created_at: string | null;

  @ApiProperty({ example: 'completed' })
  status: string;

  @ApiProperty({
    description: `The first ${REQUIREMENT_TEXT_SHOWN} characters.`,
    type: String,
    nullable: true,
    example: 'Export the trail of a session as a signed file',
  })
  requirement_text: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'PAY-17' })
  jira_epic_id: string | null;

  @ApiProperty({ type: Number, nullable: true, example: 21 })
  total_story_points: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 84.5 })
  total_hours: number | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: TIME_EXAMPLE })
  updated_at: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'developer@example.com' })
  user_id: string | null;

  @ApiProperty({ type: [String], example: ['requirement_submitted'] })
  steps_completed: readonly string[];

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { team: 'payments' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: 'integer', description: 'Number of events.', example: 7 })
  revision: number;

  constructor({ summary, ...listed }: ListedSession) {
    this.session_id = listed.id;
    this.created_at = listed.createdAt;
    this.status = listed.status;
    this.requirement_text = summary.requirement_text;
    this.jira_epic_id = summary.jira_epic_id;
    this.total_story_points = summary.total_story_points;
    this.total_hours = summary.total_hours;
    this.updated_at = listed.updatedAt;
    this.user_id = listed.userId;
    this.steps_completed = listed.stepsCompleted;
    this.labels = listed.labels;
    this.revision = listed.revision;
  }
}

export class SessionListResponse {
  @ApiProperty({ description: 'Newest first.', type: [SessionListItem] })
  sessions: SessionListItem[];

  @ApiProperty({ type: 'integer', description: 'How many sessions there are in all.', example: 1 })
  total: number;

  @ApiProperty({ type: 'integer', example: 50 })
  limit: number;

  @ApiProperty({ type: 'integer', example: 0 })
  offset: number;

  @ApiIncomplete()
  incomplete?: true;

  constructor(page: SessionPage, query: SessionListQuery) {
    this.sessions = page.sessions.map((listed) => new SessionListItem(listed));
    this.total = page.total as number;
    this.limit = query.limit;
    this.offset = query.offset;
    if (!page.complete) this.incomplete = true;
  }
}

/** An event exactly as it stands in the log. */
export class SessionEventResponse {
  @ApiProperty({ type: 'integer', description: 'Version of the line format.', example: 1 })
  v: number;

  @ApiProperty({ description: 'The session.', example: ID_EXAMPLE })
  sid: string;

  @ApiProperty({ type: 'integer', description: 'Position in the log, without gaps.', example: 1 })
  seq: number;

  @ApiProperty({ description: '`hash` of the event before.', example: 'a'.repeat(64) })
  prev: string;

  @ApiProperty({ type: String, format: 'date-time', example: TIME_EXAMPLE })
  at: string;

  @ApiProperty({ example: 'status_changed' })
  type: string;

  @ApiProperty({ description: 'Who did it, or null.', type: String, nullable: true, example: 'search' })
  actor: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { from: 'created', to: 'requirement_submitted' },
  })
  data: Readonly<Record<string, unknown>>;

  @ApiProperty({ description: "SHA-256 over the line's stored bytes.", example: 'b'.repeat(64) })
  hash: string;
}

export class EventListResponse {
  @ApiProperty({ description: 'Oldest first.', type: [SessionEventResponse] })
  events: readonly SessionEvent[];

  @ApiProperty({
    description: 'The `after` of the next page; null when this page holds the last event.',
    type: 'integer',
    nullable: true,
    example: null,
  })
  next_after: number | null;

  readonly #revision: number;

  constructor(page: EventPage) {
    this.events = page.events;
    this.next_after = page.nextAfter;
    this.#revision = page.revision;
  }

  /** The session's revision when the page was read: its ETag. Not a member of the JSON. */
  @ApiHideProperty()
  get revision(): number {
    return this.#revision;
  }
}
