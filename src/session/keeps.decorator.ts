/**
 * Binds a rule of the domain to a property of a DTO, for class-validator to apply. Knows nothing of HTTP.
 */

import 'reflect-metadata';
import { ValidateBy } from 'class-validator';
import type { Fault } from './domain/errors.js';
import { optional, type Place, type Rule } from './domain/session-rules.js';

/** The metadata of a DTO's prototype that has the rules of its members, those that it inherited too. */
const RULES = Symbol('rules');
type Rules = Readonly<Record<string, Rule>>;

/** The property is absent or null, or keeps a rule of the domain. */
export function Keeps(rule: Rule): PropertyDecorator {
  const lenient = optional(rule);
  return (target, property) => {
    // Kept beside the constraint, which can only say yes or no: the rule names every fault and its place.
    const rules = { ...rulesOf(target), [property as string]: lenient };
    Reflect.defineMetadata(RULES, rules, target);
    ValidateBy({ name: 'keeps', validator: { validate: (value) => lenient(value, []).length === 0 } })(
      target,
      property as string,
    );
  };
}

/** What is wrong with one member of a DTO, told at `loc`. */
export function memberFaults(dto: object, member: string, loc: Place): Fault[] {
  return (rulesOf(dto)[member] as Rule)((dto as Record<string, unknown>)[member], loc);
}

/**
 * What is wrong with what another module handed in as `dto` is in shape: no pipe has made an instance of it.
 */
export function faultsIn(input: object, dto: abstract new () => object, place: Place): Fault[] {
  return Object.entries(rulesOf(dto.prototype)).flatMap(([member, rule]) =>
    rule((input as Record<string, unknown>)[member], [...place, member]),
  );
}

/** The members of a DTO that have rules, which are all that it takes. */
export function membersOf(dto: abstract new () => object): string[] {
  return Object.keys(rulesOf(dto.prototype));
}

function rulesOf(dto: object): Rules {
  return Reflect.getMetadata(RULES, dto) ?? {};
}
