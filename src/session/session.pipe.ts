/**
 * Inputs are checked at the edge: the raw JSON first (depth, forbidden names), then the DTO's rules. Every fault is
 * named at once, in FastAPI's shape, as one SessionValidationError.
 */

import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type Fault, SessionValidationError } from './domain/errors.js';
import { isJsonObject } from './domain/json.js';
import { jsonRule, refuse } from './domain/session-rules.js';
import { ruleOf } from './keeps.decorator.js';

/** The pipe of every route of the component. Members that a DTO does not have are ignored, as Pydantic does. */
@Injectable()
export class SessionValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      exceptionFactory: (errors) => errors,
      validationError: { target: true, value: true },
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body' && metadata.type !== 'query') return value;
    const place = metadata.type;
    const input = place === 'body' ? checkedBody(value) : value;
    try {
      return await super.transform(input, metadata);
    } catch (errors) {
      if (!Array.isArray(errors)) throw errors;
      throw new SessionValidationError(errors.flatMap((error) => faultsOf(error, place)));
    }
  }
}

/** An absent body is an empty one; anything but an object is refused. */
function checkedBody(value: unknown): unknown {
  const body = value ?? {};
  if (!isJsonObject(body)) {
    const msg = 'Input should be a valid dictionary';
    throw new SessionValidationError([{ type: 'model_attributes_type', loc: ['body'], msg }]);
  }
  refuse(jsonRule(body, ['body']));
  return body;
}

function faultsOf(error: ValidationError, place: string): Fault[] {
  return ruleOf(error.target as object, error.property)(error.value, [place, error.property]);
}
