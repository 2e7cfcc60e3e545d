/**
 * What the texts of a query string mean, as decorators for the members of a DTO. A parser gives a text, or a list of
 * them where a parameter is repeated, and no more is relied on. What does not fit is left for the rules to refuse.
 */

import { Expose, Transform } from 'class-transformer';

/** Digits as the number that they write. */
export const FromDigits = () =>
  Transform(({ value }) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value));

/** A parameter that may be repeated, as a list also where it is not. */
export const FromOneOrMore = () => Transform(({ value }) => (typeof value === 'string' ? [value] : value));

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
    // The query has no parameter of the member's own name, and only those that it has are transformed otherwise.
    Expose()(target, property);
    Transform(({ obj }) => gather(obj))(target, property);
  };
}
