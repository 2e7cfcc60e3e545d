/**
 * The REST routes: each is one call to the service. What a route answers to bad input and to failure is the pipe's
 * and the filter's work.
 */

import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, UseFilters } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import {
  SessionAuditResponse,
  SessionCreateRequest,
  SessionResponse,
  SessionUpdateRequest,
  toPatch,
} from './session.dto.js';
import { IfMatch, Revisioned } from './session.etag.js';
import { SessionFilter } from './session.filter.js';
import { IdempotencyKey } from './session.idempotency.js';
import {
  ApiCreationErrors,
  ApiErrors,
  ApiIdempotent,
  ApiRevisioned,
  ApiSearchErrors,
  ApiSessionAnswer,
  ApiSessionFilter,
} from './session.openapi.js';
import { SessionValidationPipe } from './session.pipe.js';
import { SessionService } from './session.service.js';
import {
  EventListQuery,
  EventListResponse,
  SessionListQuery,
  SessionListResponse,
} from './session-listing.dto.js';
import { SessionFilterQuery, SessionSearchQuery, SessionSearchResponse } from './session-search.dto.js';
import { SessionStatsResponse } from './session-stats.dto.js';
import { SessionVerificationResponse } from './session-verification.dto.js';

const ApiSessionId = () =>
  ApiParam({
    name: 'session_id',
    description: 'The id of a session.',
    example: 'sess_20240115_103045_a1b2c3',
  });

@ApiTags('Session')
@Controller('session')
@UseFilters(SessionFilter)
@Revisioned()
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Post('create')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Create a new assessment session',
    description: 'The session is on the disk when the answer comes. An empty body counts as `{}`.',
  })
  @ApiSessionAnswer(SessionResponse)
  @ApiBody({ type: SessionCreateRequest, required: false })
  @ApiIdempotent()
  @ApiCreationErrors()
  create(
    @Body(SessionValidationPipe) request: SessionCreateRequest,
    @IdempotencyKey() idempotencyKey?: string,
  ): Promise<SessionResponse> {
    return this.sessions.process(request, { idempotencyKey });
  }

  @Get()
  @ApiOperation({
    summary: 'Find sessions',
    description:
      'Those that fit every filter that is given, a page at a time. Going on with `next_cursor` shows each session once, whatever is created and removed meanwhile. A parameter that is none of these is refused.',
  })
  @ApiSessionFilter()
  @ApiOkResponse({ type: SessionSearchResponse })
  @ApiSearchErrors()
  find(@Query(SessionValidationPipe) query: SessionSearchQuery): Promise<SessionSearchResponse> {
    return this.sessions.list(query);
  }

  @Get('list')
  @ApiOperation({
    summary: 'List all sessions',
    description: 'Newest first, a page at a time by number, with how many there are in all.',
  })
  @ApiOkResponse({ type: SessionListResponse })
  @ApiErrors(422, 500, 503)
  list(@Query(SessionValidationPipe) query: SessionListQuery): Promise<SessionListResponse> {
    return this.sessions.listPage(query);
  }

  @Get('stats')
  @ApiOperation({
    summary: 'Count sessions',
    description:
      'How many of those that fit every filter there are of each status and each day, and how long their steps took. A parameter that is none of these is refused.',
  })
  @ApiSessionFilter()
  @ApiOkResponse({ type: SessionStatsResponse })
  @ApiSearchErrors()
  stats(@Query(SessionValidationPipe) query: SessionFilterQuery): Promise<SessionStatsResponse> {
    return this.sessions.stats(query);
  }

  @Get(':session_id')
  @ApiOperation({ summary: 'Get session details', description: 'The ETag is the revision.' })
  @ApiSessionId()
  @ApiRevisioned()
  @ApiSessionAnswer(SessionResponse)
  @ApiErrors(404, 500, 503)
  get(@Param('session_id') id: string): Promise<SessionResponse> {
    return this.sessions.getSession(id);
  }

  @Get(':session_id/audit')
  @ApiOperation({
    summary: 'Get the full audit trail of a session',
    description: '`data` is the whole metadata document.',
  })
  @ApiSessionId()
  @ApiRevisioned()
  @ApiSessionAnswer(SessionAuditResponse)
  @ApiErrors(404, 500, 503)
  audit(@Param('session_id') id: string): Promise<SessionAuditResponse> {
    return this.sessions.getAudit(id);
  }

  @Get(':session_id/events')
  @ApiOperation({
    summary: "Get a session's events",
    description: 'Each event exactly as it stands in the log, oldest first, a page at a time.',
  })
  @ApiSessionId()
  @ApiRevisioned()
  @ApiSessionAnswer(EventListResponse)
  @ApiErrors(404, 422, 500, 503)
  events(
    @Param('session_id') id: string,
    @Query(SessionValidationPipe) query: EventListQuery,
  ): Promise<EventListResponse> {
    return this.sessions.events(id, query);
  }

  @Get(':session_id/verify')
  @ApiOperation({
    summary: "Verify a session's trail",
    description:
      'Reads the whole trail and checks every hash and link. A damaged one is answered with 200, `valid: false` and every problem.',
  })
  @ApiSessionId()
  @ApiOkResponse({ type: SessionVerificationResponse })
  @ApiErrors(404, 500, 503)
  verify(@Param('session_id') id: string): Promise<SessionVerificationResponse> {
    return this.sessions.verify(id);
  }

  @Patch(':session_id')
  @ApiOperation({
    summary: 'Report progress',
    description:
      'Any of the members, applied as a whole or not at all. What is true already changes nothing, so a retry is safe.',
  })
  @ApiSessionId()
  @ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'An ETag: report only when the session is still at that revision.',
  })
  @ApiSessionAnswer(SessionResponse)
  @ApiBody({ type: SessionUpdateRequest, required: false })
  @ApiErrors(404, 409, 412, 413, 415, 422, 500, 503)
  update(
    @Param('session_id') id: string,
    @Body(SessionValidationPipe) report: SessionUpdateRequest,
    @IfMatch() expectedRevision?: number | number[],
  ): Promise<SessionResponse> {
    const options = { reason: report.reason ?? undefined, expectedRevision };
    return this.sessions.update(id, toPatch(report), options);
  }
}
