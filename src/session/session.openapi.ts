/**
 * How the routes' answers are described in the OpenAPI document: every error with its shape and an example.
 */

import { applyDecorators, type Type } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiResponse } from '@nestjs/swagger';

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

const schemaOf = (status: keyof typeof ERRORS) => ({
  type: 'object',
  required: ['detail'],
  properties: {
    detail:
      status === 422
        ? {
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
          }
        : { oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }] },
  },
});

/** Describes the error answers of a route. */
export function ApiErrors(...statuses: (keyof typeof ERRORS)[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => {
      const { description, examples } = ERRORS[status];
      const named = examples.map((value, index) => [`example ${index + 1}`, { value }] as const);
      const content = {
        'application/json': { schema: schemaOf(status), examples: Object.fromEntries(named) },
      };
      return ApiResponse({ status, description, content } as never);
    }),
  );
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
