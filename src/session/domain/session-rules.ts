/**
 * The rules that an input has to keep, for REST clients and for injecting modules alike: each rule takes a value
 * and the place where it stands, and names every fault. Pure.
 * The kinds (`string_type`, `too_long` …) are Pydantic's, since clients of the Python component read them.
 */

import { type Fault, SessionValidationError } from './errors.js';
import { instantOf } from './instant.js';
import { isJsonObject } from './json.js';

/** What a session, its parts and the requests about them may hold at most. */
export const LIMITS = {
  events: 10_000,
  steps: 1_000,
  timings: 1_000,
  /** In one report. How many outputs a session may have, its events and their bytes bound. */
  outputsInReport: 1_000,
  labels: 32,
  /** All outputs of a session together, as JSON text. */
  outputBytes: 4 * 1024 * 1024,
  /** All events of a session together, as lines of its log. */
  logBytes: 64 * 1024 * 1024,
  userIdLength: 256,
  actorLength: 256,
  nameLength: 128,
  labelValueLength: 1_024,
  reasonLength: 2_048,
  messageLength: 8_192,
  searchTextLength: 256,
  statusesInQuery: 100,
  idempotencyKeyLength: 255,
  jsonDepth: 32,
} as const;

export type Place = Fault['loc'];
export type Rule = (value: unknown, loc: Place) => Fault[];

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the rule is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const LABEL_KEY = /^[a-z][a-z0-9_.-]{0,62}$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
/** Names that would reach JavaScript's prototypes in a careless reader, ours or somebody else's. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor']);

const fault = (type: string, loc: Place, msg: string): Fault[] => [{ type, loc, msg }];

/** One line of text: no control characters, at most `max` characters. */
function line(max: number, min = 0): Rule {
  return (value, loc) => {
    if (typeof value !== 'string') return fault('string_type', loc, 'Input should be a valid string');
    const faults = text(max, min)(value, loc);
    if (faults.length > 0 || !CONTROL.test(value)) return faults;
    return fault('string_control_character', loc, 'String should have no control characters');
  };
}

/** Any text of at most `max` characters; line breaks are welcome. */
function text(max: number, min = 0): Rule {
  return (value, loc) => {
    if (typeof value !== 'string') return fault('string_type', loc, 'Input should be a valid string');
    if (value.length < min)
      return fault('string_too_short', loc, `String should have at least ${min} character`);
    if (isLonger(value, max))
      return fault('string_too_long', loc, `String should have at most ${max} characters`);
    return wellFormed(value, loc);
  };
}

/** Half of a character that UTF-16 writes as a pair has no UTF-8: JSON with it is no JSON to others (RFC 8259, 8.2). */
function wellFormed(value: string, loc: Place): Fault[] {
  return value.isWellFormed() ? [] : fault('string_unicode', loc, 'Input should be valid Unicode');
}

/** Characters are code points, as Pydantic and JSON Schema count them; no text is counted that need not be. */
function isLonger(value: string, max: number): boolean {
  if (value.length <= max) return false;
  return value.length > 2 * max || [...value].length > max;
}

/** An absent value, or one that keeps the rule. */
export function optional(rule: Rule): Rule {
  return (value, loc) => (value === undefined || value === null ? [] : rule(value, loc));
}

/** An object of which every name keeps one rule and every value another. */
function record(name: Rule, value: Rule, max: number, noun: string): Rule {
  return (input, loc) => {
    if (!isJsonObject(input)) return fault('dict_type', loc, 'Input should be a valid dictionary');
    const entries = Object.entries(input);
    if (entries.length > max) return fault('too_long', loc, `Dictionary should have at most ${max} ${noun}`);
    return entries.flatMap(([key, item]) => [...name(key, [...loc, key]), ...value(item, [...loc, key])]);
  };
}

const nameLine = line(LIMITS.nameLength, 1);

/** The name of a step, an output or a timing. */
export const nameRule: Rule = (value, loc) =>
  FORBIDDEN_NAMES.has(value as string)
    ? fault('forbidden_name', loc, `"${value}" is not allowed as a name`)
    : nameLine(value, loc);

const timingName: Rule = (value, loc) => {
  const faults = nameRule(value, loc);
  if (faults.length > 0 || /._ms$/.test(value as string)) return faults;
  return fault('string_pattern_mismatch', loc, "A timing's name should end in _ms");
};

/** A whole number within bounds. */
export function integerRule(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  return (value, loc) => {
    if (!Number.isSafeInteger(value)) return fault('int_parsing', loc, 'Input should be a valid integer');
    if ((value as number) < min)
      return fault('greater_than_equal', loc, `Input should be greater than or equal to ${min}`);
    if ((value as number) > max)
      return fault('less_than_equal', loc, `Input should be less than or equal to ${max}`);
    return [];
  };
}

/** Whole milliseconds. */
export const millisecondsRule: Rule = (value, loc) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    return fault('int_type', loc, 'Input should be a whole number of milliseconds');
  if (value < 0) return fault('greater_than_equal', loc, 'Input should be greater than or equal to 0');
  return [];
};

const labelKey: Rule = (value, loc) =>
  LABEL_KEY.test(value as string)
    ? nameRule(value, loc)
    : fault('string_pattern_mismatch', loc, `A label's key should match ${LABEL_KEY.source}`);
const labelValue = line(LIMITS.labelValueLength);

/** A status by its form; whether the lifecycle knows it, the service says. */
export const statusRule: Rule = nameLine;
export const userIdRule: Rule = optional(line(LIMITS.userIdLength));
export const actorRule: Rule = optional(line(LIMITS.actorLength, 1));
export const reasonRule: Rule = text(LIMITS.reasonLength, 1);
export const labelsRule: Rule = record(labelKey, labelValue, LIMITS.labels, 'labels');
/** As `labelsRule`; `null` takes a label away. */
export const labelChangesRule: Rule = record(labelKey, optional(labelValue), 2 * LIMITS.labels, 'labels');
export const timingRule: Rule = record(timingName, millisecondsRule, LIMITS.timings, 'timings');

/** Statuses of which a session may have any; whether the lifecycle knows them, the service says. */
export const statusesRule: Rule = (value, loc) => {
  if (!Array.isArray(value)) return fault('list_type', loc, 'Input should be a valid list');
  if (value.length === 0) return fault('too_short', loc, 'List should have at least 1 item');
  if (value.length > LIMITS.statusesInQuery)
    return fault('too_long', loc, `List should have at most ${LIMITS.statusesInQuery} items`);
  return value.flatMap((status) => statusRule(status, loc));
};

/** One of a few words. */
export function wordRule(words: readonly string[]): Rule {
  return (value, loc) => (words.includes(value as string) ? [] : noneOf(words, loc));
}

/** The fault of a word that is none of those that are known. */
export function noneOf(words: readonly string[], loc: Place): Fault[] {
  return fault('enum', loc, `Input should be ${words.map((word) => `'${word}'`).join(', ')}`);
}

/** A time that `instantOf` reads. */
export const instantRule: Rule = (value, loc) => {
  if (typeof value !== 'string') return fault('string_type', loc, 'Input should be a valid string');
  if (instantOf(value) !== undefined) return [];
  const msg =
    'Input should be a date (2024-01-15) or an RFC 3339 date-time (2024-01-15T10:30:45Z); in an address, + is %2B';
  return fault('datetime_parsing', loc, msg);
};

/** What to search for: at least one word. */
export const searchTextRule: Rule = (value, loc) => {
  const faults = text(LIMITS.searchTextLength, 1)(value, loc);
  if (faults.length > 0 || LETTER_OR_DIGIT.test(value as string)) return faults;
  return fault('string_pattern_mismatch', loc, 'String should have a letter or a digit');
};

/** A cursor by its form; whether it is one of ours, `openCursor` says. */
export const cursorRule: Rule = text(Number.MAX_SAFE_INTEGER);

export const idempotencyKeyRule: Rule = (value, loc) => {
  const faults = text(LIMITS.idempotencyKeyLength, 1)(value, loc);
  if (faults.length > 0 || PRINTABLE_ASCII.test(value as string)) return faults;
  return fault('string_pattern_mismatch', loc, 'String should have printable ASCII characters only');
};

/** Any JSON value: no deeper than `LIMITS.jsonDepth`, no forbidden names, numbers that JSON can carry. */
export const jsonRule: Rule = (value, loc) => jsonFaults(value, loc, 1);
export const outputsRule: Rule = record(nameRule, jsonRule, LIMITS.outputsInReport, 'outputs');

export const stepsRule: Rule = (value, loc) => {
  if (!Array.isArray(value)) return fault('list_type', loc, 'Input should be a valid list');
  if (value.length > LIMITS.steps)
    return fault('too_long', loc, `List should have at most ${LIMITS.steps} items`);
  return value.flatMap((step, index) => nameRule(step, [...loc, index]));
};

/** Why a session failed: a message, or an object with one as the Python component's `to_dict()` gives it. */
export const failureRule: Rule = (value, loc) => {
  if (typeof value === 'string') return text(LIMITS.messageLength, 1)(value, loc);
  if (!isJsonObject(value))
    return fault('string_type', loc, 'Input should be a message or a dictionary with one');
  return [
    ...(value.message === undefined
      ? fault('missing', [...loc, 'message'], 'Field required')
      : text(LIMITS.messageLength, 1)(value.message, [...loc, 'message'])),
    ...optional(nameRule)(value.error, [...loc, 'error']),
    ...optional(nameRule)(value.component, [...loc, 'component']),
    ...optional(detailsRule)(value.details, [...loc, 'details']),
  ];
};

const detailsRule: Rule = (value, loc) =>
  isJsonObject(value) ? jsonRule(value, loc) : fault('dict_type', loc, 'Input should be a valid dictionary');

/** @throws SessionValidationError when there is any fault */
export function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new SessionValidationError(faults);
}

function jsonFaults(value: unknown, loc: Place, depth: number): Fault[] {
  if (value === null || typeof value === 'boolean') return [];
  if (typeof value === 'string') return wellFormed(value, loc);
  if (typeof value === 'number')
    return Number.isFinite(value) ? [] : fault('finite_number', loc, 'Input should be a finite number');
  if (typeof value !== 'object' || !(isWholeArray(value) || isPlain(value)))
    return fault('json_type', loc, 'Input should be a JSON value');
  if (depth > LIMITS.jsonDepth)
    return fault('json_too_deep', loc, `JSON should be at most ${LIMITS.jsonDepth} levels deep`);
  if (Array.isArray(value))
    return value.flatMap((item, index) => jsonFaults(item, [...loc, index], depth + 1));
  return Object.entries(value).flatMap(([name, item]) =>
    FORBIDDEN_NAMES.has(name)
      ? fault('forbidden_name', [...loc, name], `"${name}" is not allowed as a name`)
      : [...wellFormed(name, loc), ...jsonFaults(item, [...loc, name], depth + 1)],
  );
}

/** An array without holes and without members beside its items. */
function isWholeArray(value: object): boolean {
  return Array.isArray(value) && Object.keys(value).length === value.length;
}

/**
 * Dates, Maps and instances of classes would not come back from JSON as what they were. An object of another realm
 * (a test runner's, a vm's) is plain too: its prototype is an Object.prototype, if not ours.
 */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}
