/**
 * The wire shape of the statistics: how many sessions there are of each status and of each day, and how long steps took.
 */

import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { ApiIncomplete } from './session-listing.dto.js';
import { type SessionStats, STATS_LIMITS, type TimingStats } from './store/session-store.js';

/** How many sessions were created on one day. */
export class SessionsOfDay {
  @ApiProperty({ description: 'In UTC.', type: String, format: 'date', example: '2024-01-15' })
  day: string;

  @ApiProperty({ type: 'integer', example: 3 })
  sessions: number;
}

/** One timing over all sessions that have it; percentiles by nearest rank, so that each is a time that was recorded. */
export class TimingOfSessions {
  @ApiProperty({ description: 'How many sessions have it.', type: 'integer', example: 3 })
  sessions: number;

  @ApiProperty({ description: 'Half of them took no longer: milliseconds.', type: 'integer', example: 1250 })
  p50_ms: number;

  @ApiProperty({ description: '95 of 100 took no longer: milliseconds.', type: 'integer', example: 3200 })
  p95_ms: number;

  constructor({ sessions, p50, p95 }: TimingStats) {
    this.sessions = sessions;
    this.p50_ms = p50;
    this.p95_ms = p95;
  }
}

@ApiExtraModels(TimingOfSessions)
export class SessionStatsResponse {
  @ApiProperty({ description: 'How many sessions fit the filters.', type: 'integer', example: 3 })
  total: number;

  @ApiProperty({
    description: 'By status, the most frequent first.',
    type: 'object',
    additionalProperties: { type: 'integer' },
    example: { created: 2, completed: 1 },
  })
  by_status: Readonly<Record<string, number>>;

  @ApiProperty({
    description: `By day of creation, the newest first: the latest ${STATS_LIMITS.days} that have any.`,
    type: [SessionsOfDay],
  })
  by_day: readonly SessionsOfDay[];

  @ApiProperty({
    description: `By name of the timing, the most frequent first: at most ${STATS_LIMITS.timings}.`,
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(TimingOfSessions) },
    example: { search_ms: { sessions: 3, p50_ms: 1250, p95_ms: 3200 } },
  })
  timings: Readonly<Record<string, TimingOfSessions>>;

  @ApiIncomplete()
  incomplete?: true;

  constructor(stats: SessionStats) {
    this.total = stats.total;
    this.by_status = Object.fromEntries(stats.statuses.map(({ status, sessions }) => [status, sessions]));
    this.by_day = stats.days.map(({ day, sessions }) => ({ day, sessions }));
    this.timings = Object.fromEntries(
      stats.timings.map((timing) => [timing.name, new TimingOfSessions(timing)]),
    );
    if (!stats.complete) this.incomplete = true;
  }
}
