/**
 * Binds a rule of the domain to a property of a DTO, for class-validator to apply. Knows nothing of HTTP.
 */

import 'reflect-metadata';
import { ValidateBy } from 'class-validator';
import { optional, type Rule } from './domain/session-rules.js';

const RULE = Symbol('rule');

/** The property is absent or null, or keeps a rule of the domain. */
export function Keeps(rule: Rule): PropertyDecorator {
  const lenient = optional(rule);
  return (target, property) => {
    // Kept beside the constraint, which can only say yes or no: the rule names every fault and its place.
    Reflect.defineMetadata(RULE, lenient, target, property);
    ValidateBy({ name: 'keeps', validator: { validate: (value) => lenient(value, []).length === 0 } })(
      target,
      property as string,
    );
  };
}

/** The rule of a DTO's property. */
export function ruleOf(dto: object, property: string): Rule {
  return Reflect.getMetadata(RULE, dto, property);
}
