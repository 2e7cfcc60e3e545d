/**
 * How a module asks for a command of `SessionService`: under which terms, in whose name, with what to keep.
 */

import type { JsonInput } from './domain/json.js';

/** Under which terms a session is created. */
export interface CreateOptions {
  /**
   * The same key and the same request give the same session, as it is by then, for `IDEMPOTENCY_KEY_KEPT_MS`: a request
   * may be made again when nobody knows what became of it. 1 to 255 printable ASCII characters.
   */
  readonly idempotencyKey?: string;
}

/** Under which terms a command is done, and in whose name. */
export interface CommandOptions {
  /** Who does it: a component's or a person's name, kept in the trail. Default: nobody is named. */
  readonly actor?: string;
  /** Why; kept with every event of the command. */
  readonly reason?: string;
  /** Do it only when the session is still at this revision (or at one of these). */
  readonly expectedRevision?: number | readonly number[];
}

/** What came out of a step, and how long it took. */
export interface StepResult {
  /** Milliseconds, rounded to whole ones and kept as `<name>_ms`. */
  readonly durationMs?: number;
  /** Any JSON value, kept as the output `name`. */
  readonly output?: JsonInput;
  /** What time and output are called, such as `modules` for the step `modules_generated`. Default: the step. */
  readonly name?: string;
}

/** How a measured step is reported. */
export interface MeasureOptions<T> extends CommandOptions {
  /** The step to complete, such as `modules_generated` for the time `modules_ms`. Default: the name. */
  readonly step?: string;
  /** What to keep of the result, as the output of the measurement's name. Default: nothing. */
  readonly output?: (result: T) => JsonInput;
}
