/**
 * Inputs are checked at the edge: the raw JSON first (depth, forbidden names), then the DTO's rules. Every fault is
 * named at once, in FastAPI's shape, as one SessionValidationError.
 */

import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type Fault, SessionValidationError } from './domain/errors.js';
import { isJsonObject, type JsonObject } from './domain/json.js';
import { jsonRule, refuse } from './domain/session-rules.js';
import { memberFaults, membersOf } from './keeps.decorator.js';
import { parametersOf } from './query-string.js';

type Shape = new () => object;

/**
 * The pipe of every body and every query. Members that a DTO does not have are ignored, as Pydantic does, but for those
 * that `@NothingElse` refuses. Not Nest's ValidationPipe,
 * which takes every member called `prototype` out of what it is given, however deep, and says nothing.
 */
@Injectable()
export class SessionValidationPipe implements PipeTransform {
  transform(value: unknown, { type: place, metatype }: ArgumentMetadata): unknown {
    if ((place !== 'body' && place !== 'query') || metatype === undefined) return value;
    const shape = metatype as Shape;
    const dto = place === 'body' ? fromBody(checkedBody(value), shape) : fromQuery(value as object, shape);
    refuse(validateSync(dto).flatMap((error) => faultsOf(error, place)));
    return dto;
  }
}

/** The members of a body that are known, as they are: class-transformer would copy free-form values, and change them. */
function fromBody(body: JsonObject, shape: Shape): object {
  const known = membersOf(shape).filter((member) => Object.hasOwn(body, member));
  return Object.assign(new shape(), Object.fromEntries(known.map((member) => [member, body[member]])));
}

/** What the texts of a query mean, the decorators of the DTO say. */
function fromQuery(query: object, shape: Shape): object {
  return plainToInstance(shape, parametersOf(shape, query));
}

/** An absent body is an empty one; anything but an object is refused. */
function checkedBody(value: unknown): JsonObject {
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
