/**
 * How the routes' answers are described in the OpenAPI document: every error with its shape and an example.
 */

import { applyDecorators, type Type } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { LIMITS } from './domain/session-rules.js';

const ID = 'sess_20240115_103045_a1b2c3';

const componentError = (error: string, message: string, details: object) => ({
  detail: { error, message, component: 'session', details },
});

interface DescribedError {
  readonly description: string;
  readonly examples: readonly unknown[];
}

const ERRORS = {
  404: {
    description: 'There is no session of this id: unknown or malformed.',
    examples: [componentError('SessionNotFoundError', `Session ${ID} not found`, { session_id: ID })],
  },
  409: {
    description: 'The lifecycle does not allow this transition.',
    examples: [
      componentError(
        'InvalidSessionStateError',
        'A session that is created cannot become completed: it may become requirement_submitted or error',
        { from: 'created', to: 'completed', allowed: ['requirement_submitted', 'error'] },
      ),
    ],
  },
  412: {
    description: 'If-Match names another revision than the session has.',
    examples: [
      componentError('SessionConflictError', 'The session is at revision 7, which is not what was expected', {
        expected: 5,
        actual: 7,
      }),
    ],
  },
  413: {
    description: 'The session is full, or the body is over 256 KiB.',
    examples: [
      componentError('SessionLimitError', 'The session is full: it holds at most 10000 events', {
        limit: 'events',
        allowed: 10_000,
      }),
      { detail: 'Request Entity Too Large' },
    ],
  },
  415: { description: 'The body is not JSON.', examples: [{ detail: 'Unsupported Media Type' }] },
  422: {
    description: 'The input broke a rule; every fault is named.',
    examples: [
      {
        detail: [{ type: 'string_type', loc: ['body', 'user_id'], msg: 'Input should be a valid string' }],
      },
    ],
  },
  500: {
    description: 'The session is damaged on the disk, or the server failed; the log says why.',
    examples: [
      componentError('SessionCorruptedError', `Session ${ID} is corrupted`, { session_id: ID }),
      { detail: 'Internal Server Error' },
    ],
  },
  503: {
    description: 'The store cannot do it now; `outcome` says whether it may have been done.',
    examples: [
      componentError('StoreUnavailableError', 'The store could not write', { outcome: 'not_applied' }),
    ],
  },
} as const satisfies Record<number, DescribedError>;

/** What can be wrong with an Idempotency-Key, beside what can be wrong with a body. */
const KEYED_ERRORS = {
  409: {
    description: 'A request with this Idempotency-Key is still being done.',
    examples: [
      componentError(
        'IdempotencyKeyInUseError',
        'A request with this Idempotency-Key is still being done: ask again when it has ended',
        {},
      ),
    ],
  },
  422: {
    description:
      'The input broke a rule; every fault is named. Or the Idempotency-Key was used for another request.',
    examples: [
      ...ERRORS[422].examples,
      componentError(
        'IdempotencyKeyReusedError',
        'This Idempotency-Key was used before, with another request: take a new key for a new request',
        {},
      ),
    ],
  },
} as const satisfies Record<number, DescribedError>;

/** A new session has room: only its body can be too large. */
const CREATION_ERRORS = {
  413: { description: 'The body is over 256 KiB.', examples: [{ detail: 'Request Entity Too Large' }] },
} as const satisfies Record<number, DescribedError>;

const SEARCH_ERRORS = {
  422: {
    description: 'The query broke a rule; every fault is named.',
    examples: [
      {
        detail: [
          {
            type: 'cursor_mismatch',
            loc: ['query', 'cursor'],
            msg: 'The cursor belongs to another filter or order: go on with the query that it came from',
          },
        ],
      },
    ],
  },
} as const satisfies Record<number, DescribedError>;

const FAULTS_SCHEMA = {
  type: 'array',
  items: {
    type: 'object',
    required: ['type', 'loc', 'msg'],
    properties: {
      type: { type: 'string' },
      loc: { type: 'array', items: { oneOf: [{ type: 'string' }, { type: 'integer' }] } },
      msg: { type: 'string' },
    },
  },
};
const ERROR_SCHEMA = { type: 'object', additionalProperties: true };

/** The shape of an error answer, by what its examples have. */
function schemaOf({ examples }: DescribedError): object {
  const details = examples.map((example) => (example as { detail: unknown }).detail);
  const faults = details.filter((detail) => Array.isArray(detail)).length;
  const detail =
    faults === details.length
      ? FAULTS_SCHEMA
      : { oneOf: [faults > 0 ? FAULTS_SCHEMA : { type: 'string' }, ERROR_SCHEMA] };
  return { type: 'object', required: ['detail'], properties: { detail } };
}

function describeError(status: number, error: DescribedError): MethodDecorator {
  const named = error.examples.map((value, index) => [`example ${index + 1}`, { value }] as const);
  const content = { 'application/json': { schema: schemaOf(error), examples: Object.fromEntries(named) } };
  return ApiResponse({ status, description: error.description, content } as never);
}

/** Describes the error answers of a route. */
export function ApiErrors(...statuses: (keyof typeof ERRORS)[]): MethodDecorator {
  return applyDecorators(...statuses.map((status) => describeError(status, ERRORS[status])));
}

/** Describes the error answers of a route that takes filters. */
export function ApiSearchErrors(): MethodDecorator {
  return applyDecorators(describeError(422, SEARCH_ERRORS[422]), ApiErrors(500, 503));
}

/** Describes the error answers of a route that takes a body and makes a session. */
export function ApiCreationErrors(): MethodDecorator {
  return applyDecorators(describeError(413, CREATION_ERRORS[413]), ApiErrors(415, 500, 503));
}

/** Describes the Idempotency-Key of a route that makes something of a body, and the errors that come with it. */
export function ApiIdempotent(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        'The same key and the same body give the same session, for a day: make a request again when no answer came.',
      schema: {
        type: 'string',
        minLength: 1,
        maxLength: LIMITS.idempotencyKeyLength,
        example: '5f0c8f0e-2d0e-4b53-9f0e-6a5f5b0b9a51',
      },
    }),
    describeError(409, KEYED_ERRORS[409]),
    describeError(422, KEYED_ERRORS[422]),
  );
}

/** Describes the filter that OpenAPI has no name for. Parameters of this style are named as the object's members are. */
export function ApiSessionFilter(): MethodDecorator {
  return ApiQuery({
    name: 'label.KEY',
    required: false,
    description:
      'Sessions that have this label with this value: `label.team=payments`. Several: all of them.',
    style: 'form',
    explode: true,
    schema: {
      type: 'object',
      additionalProperties: { type: 'string', maxLength: LIMITS.labelValueLength },
      example: { 'label.team': 'payments' },
    },
  });
}

/** Describes the answer of a route that gives one session: its body, and its revision as ETag. */
export function ApiSessionAnswer(type: Type): MethodDecorator {
  const description = 'The revision of the session, as an entity tag.';
  return ApiOkResponse({
    type,
    headers: { ETag: { description, schema: { type: 'string', example: '"7"' } } },
  });
}

/** Describes the revision headers of a route that reads one session. */
export function ApiRevisioned(): MethodDecorator {
  return applyDecorators(
    ApiHeader({ name: 'If-None-Match', required: false, description: 'An ETag; unchanged answers 304.' }),
    ApiResponse({ status: 304, description: 'The session is still at that revision.' }),
  );
}
