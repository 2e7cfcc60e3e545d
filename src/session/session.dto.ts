/**
 * The wire shapes of one session: the specification's `models.py` and the report of progress, and where the domain's
 * camelCase becomes the wire's snake_case. Lists and events are in session-listing.dto.ts.
 */

import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { JsonObject, JsonValue } from './domain/json.js';
import type { SessionPatch } from './domain/session.js';
import { toDocument } from './domain/session-document.js';
import type { Failure } from './domain/session-event.js';
import {
  failureRule,
  LIMITS,
  labelChangesRule,
  labelsRule,
  outputsRule,
  reasonRule,
  statusRule,
  stepsRule,
  timingRule,
  userIdRule,
} from './domain/session-rules.js';
import { Keeps } from './keeps.decorator.js';
import type { StoredSession } from './store/session-store.js';

const ID_EXAMPLE = 'sess_20240115_103045_a1b2c3';
const TIME_EXAMPLE = '2024-01-15T10:30:45.123Z';
const USER_EXAMPLE = 'developer@example.com';

/** Request to create a new assessment session. */
export class SessionCreateRequest {
  @ApiPropertyOptional({
    description: 'Who asked for the assessment.',
    type: String,
    nullable: true,
    maxLength: LIMITS.userIdLength,
    example: USER_EXAMPLE,
  })
  @Keeps(userIdRule)
  user_id?: string | null;

  @ApiPropertyOptional({
    description: `At most ${LIMITS.labels} labels: keys like \`team\` or \`repo.name\`, values of one line.`,
    type: 'object',
    additionalProperties: { type: 'string', maxLength: LIMITS.labelValueLength },
    example: { team: 'payments' },
  })
  @Keeps(labelsRule)
  labels?: Record<string, string>;
}

/** Session details response. */
export class SessionResponse {
  @ApiProperty({ description: 'The id: readable, sortable by second, unique.', example: ID_EXAMPLE })
  session_id: string;

  @ApiProperty({
    description: 'RFC 3339, UTC, milliseconds.',
    type: String,
    format: 'date-time',
    example: TIME_EXAMPLE,
  })
  created_at: string;

  @ApiProperty({ description: 'Where the session stands in its lifecycle.', example: 'created' })
  status: string;

  @ApiProperty({
    description: 'Where the trail lies: a folder under the data folder.',
    example: `data/sessions/2024-01-15/${ID_EXAMPLE}`,
  })
  audit_path: string;

  @ApiProperty({
    description: 'Who asked for the assessment, or null.',
    type: String,
    nullable: true,
    example: USER_EXAMPLE,
  })
  user_id: string | null;

  readonly #revision: number;

  constructor({ session, auditPath }: StoredSession) {
    this.session_id = session.id;
    this.created_at = session.createdAt;
    this.status = session.status;
    this.audit_path = auditPath;
    this.user_id = session.userId;
    this.#revision = session.revision;
  }

  /** Number of events; what `expectedRevision` and the ETag mean. Not a member of the JSON. */
  @ApiHideProperty()
  get revision(): number {
    return this.#revision;
  }
}

/** Full audit trail for a session. */
export class SessionAuditResponse {
  @ApiProperty({ example: ID_EXAMPLE })
  session_id: string;

  @ApiProperty({ type: String, format: 'date-time', example: TIME_EXAMPLE })
  created_at: string;

  @ApiProperty({ example: 'generating_impact' })
  status: string;

  @ApiProperty({
    description: 'In the order in which they were completed.',
    type: [String],
    example: ['requirement_submitted', 'matches_selected'],
  })
  steps_completed: readonly string[];

  @ApiProperty({
    description: 'Whole milliseconds.',
    type: 'object',
    additionalProperties: { type: 'integer', minimum: 0 },
    example: { search_ms: 1250 },
  })
  timing: Readonly<Record<string, number>>;

  @ApiProperty({
    description: 'The whole metadata document, as session_metadata.json holds it.',
    type: 'object',
    additionalProperties: true,
    example: { session_id: ID_EXAMPLE, status: 'generating_impact', revision: 7 },
  })
  data: JsonObject;

  readonly #revision: number;

  constructor({ session }: StoredSession) {
    this.session_id = session.id;
    this.created_at = session.createdAt;
    this.status = session.status;
    this.steps_completed = session.stepsCompleted;
    this.timing = session.timing;
    this.data = toDocument(session);
    this.#revision = session.revision;
  }

  /** Number of events; what `expectedRevision` and the ETag mean. Not a member of the JSON. */
  @ApiHideProperty()
  get revision(): number {
    return this.#revision;
  }
}

/** One report of progress, applied as a whole or not at all. */
export class SessionUpdateRequest {
  @ApiPropertyOptional({ description: 'The status to move to.', example: 'matches_found' })
  @Keeps(statusRule)
  status?: string;

  @ApiPropertyOptional({
    description: 'Steps to add, in order; those completed already are left as they are.',
    type: [String],
    example: ['matches_found'],
  })
  @Keeps(stepsRule)
  steps_completed?: string[];

  @ApiPropertyOptional({
    description: 'Durations in whole milliseconds; names end in `_ms`.',
    type: 'object',
    additionalProperties: { type: 'integer', minimum: 0 },
    example: { search_ms: 1250 },
  })
  @Keeps(timingRule)
  timing?: Record<string, number>;

  @ApiPropertyOptional({
    description:
      'What steps produced: any JSON, by name. Numbers are IEEE 754 doubles (RFC 8259, 6): write an integer beyond 2^53 as a string.',
    type: 'object',
    additionalProperties: true,
    example: { search: { matches: 12 } },
  })
  @Keeps(outputsRule)
  outputs?: Record<string, JsonValue>;

  @ApiPropertyOptional({
    description: 'Labels to set; `null` takes one away.',
    type: 'object',
    additionalProperties: { type: 'string', nullable: true, maxLength: LIMITS.labelValueLength },
    example: { team: 'payments' },
  })
  @Keeps(labelChangesRule)
  labels?: Record<string, string | null>;

  @ApiPropertyOptional({
    description: 'Why; kept with every event of this report.',
    type: String,
    maxLength: LIMITS.reasonLength,
    example: 'nightly run',
  })
  @Keeps(reasonRule)
  reason?: string;

  @ApiPropertyOptional({
    description: 'Why it failed; only together with the failure status.',
    oneOf: [
      { type: 'string', maxLength: LIMITS.messageLength },
      {
        type: 'object',
        required: ['message'],
        properties: {
          error: { type: 'string' },
          message: { type: 'string', maxLength: LIMITS.messageLength },
          component: { type: 'string' },
          details: { type: 'object', additionalProperties: true },
        },
      },
    ],
    example: { error: 'TimeoutError', message: 'the model did not answer in 30 s', component: 'effort' },
  })
  @Keeps(failureRule)
  error?: string | { error?: string; message: string; component?: string; details?: JsonObject };
}

/** The domain's patch from the wire's. */
export function toPatch(body: SessionUpdateRequest): SessionPatch {
  return {
    status: body.status ?? undefined,
    stepsCompleted: body.steps_completed ?? undefined,
    timing: body.timing ?? undefined,
    outputs: body.outputs ?? undefined,
    labels: body.labels ?? undefined,
    error: body.error == null ? undefined : toFailure(body.error),
  };
}

function toFailure(error: NonNullable<SessionUpdateRequest['error']>): Failure {
  const given = typeof error === 'string' ? { message: error } : error;
  return {
    error: given.error ?? 'Error',
    message: given.message,
    component: given.component ?? null,
    details: given.details ?? {},
  };
}
