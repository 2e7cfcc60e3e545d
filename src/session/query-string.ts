/**
 * What the texts of a query string mean, as decorators for the members of a DTO. A parser gives a text, or a list of
 * them where a parameter is repeated, and no more is relied on. What does not fit is left for the rules to refuse.
 */

import 'reflect-metadata';
import { Expose, Transform } from 'class-transformer';
import { refuse } from './domain/session-rules.js';
import { membersOf } from './keeps.decorator.js';

/** Digits as the number that they write. */
export const FromDigits = () =>
  Transform(({ value }) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value));

/** A parameter that may be repeated, as a list also where it is not. */
export const FromOneOrMore = () => Transform(({ value }) => (typeof value === 'string' ? [value] : value));

/** The metadata of a DTO's prototype that has, for each member that `FromDotted` gathers, what its parameters begin with. */
const DOTTED = Symbol('dotted');
/** The metadata of a DTO that takes nothing else. */
const CLOSED = Symbol('closed');
type Shape = abstract new () => object;

/** Parameters like `label.team=payments`, by what follows the dot; `undefined` where there is none. */
export function FromDotted(prefix: string): PropertyDecorator {
  const dotted = `${prefix}.`;
  const gather = (query: object) => {
    const entries = Object.entries(query).filter(([name]) => name.startsWith(dotted));
    // Not by assignment, which a key like `__proto__` would turn into something else.
    return entries.length === 0
      ? undefined
      : Object.fromEntries(entries.map(([name, value]) => [name.slice(dotted.length), value]));
  };
  return (target, property) => {
    Reflect.defineMetadata(DOTTED, { ...dottedOf(target), [property]: dotted }, target);
    // The query has no parameter of the member's own name, and only those that it has are transformed otherwise.
    Expose()(target, property);
    Transform(({ obj }) => gather(obj))(target, property);
  };
}

/** Parameters that the DTO has no member for are refused: a search that passes over a misspelt filter answers another question. */
export function NothingElse(): ClassDecorator {
  return (shape) => Reflect.defineMetadata(CLOSED, true, shape);
}

/** The parameters that a DTO has members for. @throws SessionValidationError for others, where it takes nothing else */
export function parametersOf(shape: Shape, query: object): object {
  const isKnown = knownTo(shape);
  const entries = Object.entries(query);
  const strange = Reflect.getMetadata(CLOSED, shape) ? entries.filter(([name]) => !isKnown(name)) : [];
  refuse(strange.map(([name]) => ({ ...EXTRA, loc: ['query', name] })));
  return Object.fromEntries(entries.filter(([name]) => isKnown(name)));
}

const EXTRA = { type: 'extra_forbidden', msg: 'Extra inputs are not permitted' };

function knownTo(shape: Shape): (name: string) => boolean {
  const dotted = dottedOf(shape.prototype);
  const members = new Set(membersOf(shape).filter((member) => !Object.hasOwn(dotted, member)));
  const prefixes = Object.values(dotted);
  return (name) => members.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

function dottedOf(dto: object): Readonly<Record<string, string>> {
  return Reflect.getMetadata(DOTTED, dto) ?? {};
}
