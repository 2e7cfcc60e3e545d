/**
 * The Idempotency-Key header: the key under which a request may be made again without making a second session.
 */

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { idempotencyKeyRule, optional, refuse } from './domain/session-rules.js';

const LOC = ['header', 'Idempotency-Key'];

/**
 * A request's key; `undefined` where it has none. Not `@Headers`, which OpenAPI would take for a required one.
 * @throws SessionValidationError for one that is no key
 */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
  const key = request.headers['idempotency-key'];
  refuse(optional(idempotencyKeyRule)(key, LOC));
  return key;
});
