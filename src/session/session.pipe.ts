/**
 * Inputs are checked at the edge: the raw JSON first (depth, forbidden names), then the DTO's rules. Every fault is
 * named at once, in FastAPI's shape, as one SessionValidationError.
 */

import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { ValidateBy, type ValidationError } from 'class-validator';
import { type Fault, SessionValidationError } from './domain/errors.js';
import { isJsonObject } from './domain/json.js';
import { jsonRule, optional, type Rule, refuse } from './domain/session-rules.js';

const KEEPS = 'keeps';

/** The property is absent or null, or keeps a rule of the domain. */
export function Keeps(rule: Rule): PropertyDecorator {
  const lenient = optional(rule);
  return ValidateBy(
    { name: KEEPS, validator: { validate: (value) => lenient(value, []).length === 0 } },
    // The rule travels with the failure, so that the pipe can ask it for every fault and its place.
    { context: { rule: lenient } },
  );
}

/** Pydantic's names for what class-validator finds in a query string. */
const QUERY_FAULTS: Readonly<Record<string, string>> = {
  isInt: 'int_parsing',
  min: 'greater_than_equal',
  max: 'less_than_equal',
};

/** The pipe of every route of the component. Members that a DTO does not have are ignored, as Pydantic does. */
@Injectable()
export class SessionValidationPipe extends ValidationPipe {
  constructor() {
    super({ transform: true, whitelist: true, exceptionFactory: (errors) => errors });
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
  const rule = error.contexts?.[KEEPS]?.rule as Rule | undefined;
  const loc = [place, error.property];
  if (rule) return rule(error.value, loc);
  return Object.entries(error.constraints ?? {}).map(([name, msg]) => ({
    type: QUERY_FAULTS[name] ?? 'value_error',
    loc,
    msg: `Input ${msg.replace(`${error.property} `, '').replace('must', 'should')}`,
  }));
}
