/**
 * Inputs are checked at the edge: the raw JSON first (depth, forbidden names), then the DTO's rules. Every fault is
 * named at once, in FastAPI's shape, as one SessionValidationError.
 */

import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type Fault, SessionValidationError } from './domain/errors.js';
import { isJsonObject } from './domain/json.js';
import { jsonRule, refuse } from './domain/session-rules.js';
import { memberFaults } from './keeps.decorator.js';

/**
 * The pipe of every body and every query. Members that a DTO does not have are ignored, as Pydantic does. Not Nest's ValidationPipe,
 * which takes every member called `prototype` out of what it is given, however deep, and says nothing.
 */
@Injectable()
export class SessionValidationPipe implements PipeTransform {
  transform(value: unknown, { type: place, metatype }: ArgumentMetadata): unknown {
    if ((place !== 'body' && place !== 'query') || metatype === undefined) return value;
    const input = place === 'body' ? checkedBody(value) : value;
    const dto: object = plainToInstance(metatype, input);
    const errors = validateSync(dto, { whitelist: true });
    refuse(errors.flatMap((error) => faultsOf(error, place)));
    return dto;
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
  return memberFaults(error.target as object, error.property, [place, error.property]);
}
