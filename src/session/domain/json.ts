/**
 * JSON values: what may stand in an output, in a label, in an event.
 * Pure: imports nothing.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * What a caller may hand in as a JSON value. Wider than `JsonValue`, which TypeScript's interfaces do not fit; whether
 * it is one is checked when it is recorded.
 */
export type JsonInput = null | boolean | number | string | object;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two JSON values mean the same: the order of an object's members has no meaning (RFC 8259, 4). */
export function jsonEquals(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => jsonEquals(item, right[i] as JsonValue));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every(
    (name) => Object.hasOwn(right, name) && jsonEquals(left[name] as JsonValue, right[name] as JsonValue),
  );
}

/**
 * Freezes a value and all in it, so that nobody who is shown it can change what others see. Not by calling itself: what
 * somebody else wrote may be deeper than the stack.
 */
export function deepFreeze<T>(value: T): T {
  const found: unknown[] = [value];
  while (found.length > 0) {
    const next = found.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const member of Object.values(Object.freeze(next))) found.push(member);
  }
  return value;
}

/** Parses JSON text that may begin with a byte order mark, as RFC 8259, 8.1 lets a parser do. */
export function parseJson(text: string): unknown {
  return JSON.parse(text.replace(/^\ufeff/, ''));
}

/** The length of a value's JSON text in bytes of UTF-8. */
export function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * The JSON text of a value with the members of each object in the order of their names (as RFC 8785 has it), and those
 * left out that are undefined: values that mean the same have the same text.
 */
export function canonicalJson(value: JsonInput): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join()}}`;
}
