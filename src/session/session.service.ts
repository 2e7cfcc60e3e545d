/**
 * The use cases: what a client or another module can do with a session. Checks inputs, asks the domain to decide,
 * the store to keep. Throws the errors of domain/errors.ts and never an HTTP exception.
 */

import { Inject, Injectable, Logger } from '@nestjs/common';
import { BaseComponent, type ComponentHealth } from './base-component.js';
import { SessionNotFoundError, SessionValidationError } from './domain/errors.js';
import type { Decision } from './domain/event-log.js';
import { describeFailure } from './domain/failure.js';
import type { JsonInput } from './domain/json.js';
import { statusesOf } from './domain/lifecycle.js';
import { decidePatch, type SessionPatch } from './domain/session.js';
import { makeSessionId } from './domain/session-id.js';
import * as rules from './domain/session-rules.js';
import { SessionAuditResponse, type SessionCreateRequest, SessionResponse } from './session.dto.js';
import { SESSION_SERVICE_OPTIONS, type SessionServiceOptions } from './session.options.js';
import {
  EventListQuery,
  EventListResponse,
  SessionListQuery,
  SessionListResponse,
} from './session-listing.dto.js';
import { SessionVerificationResponse } from './session-verification.dto.js';
import { SessionStore, type StoredSession, type StoreHealth } from './store/session-store.js';

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

/** The component's health, with that of its store. */
export interface SessionHealth extends ComponentHealth {
  readonly store: StoreHealth;
}

/** How many ids of one second are tried before the second counts as full. */
const ID_ATTEMPTS = 256;

/**
 * Session lifecycle management as a component.
 *
 * Every method that takes an id throws `SessionNotFoundError` when there is no such session, and may throw
 * `SessionCorruptedError` and `StoreUnavailableError`. Every command may throw `SessionValidationError` (an input
 * broke a rule), `SessionLimitError` (the session is full) and `SessionConflictError` (`expectedRevision`), and
 * then nothing was written. A command that would change nothing succeeds and writes nothing: retries are safe.
 */
@Injectable()
export class SessionService extends BaseComponent<SessionCreateRequest, SessionResponse> {
  readonly #log = new Logger(SessionService.name);

  constructor(
    private readonly store: SessionStore,
    @Inject(SESSION_SERVICE_OPTIONS) private readonly options: SessionServiceOptions,
  ) {
    super();
  }

  override get componentName(): string {
    return 'session';
  }

  /** Healthy while the store can be written to: after a failed sync it cannot, and `store.reason` says why. */
  override async healthCheck(): Promise<SessionHealth> {
    const store = await this.store.health();
    const status = store.writable ? 'healthy' : 'unhealthy';
    return { component: this.componentName, status, ...(store.reason && { reason: store.reason }), store };
  }

  /** Creates a session. Its id and `created_at` come from one reading of the clock. */
  override async process(request: SessionCreateRequest = {}): Promise<SessionResponse> {
    rules.refuse([
      ...rules.userIdRule(request.user_id, ['user_id']),
      ...rules.optional(rules.labelsRule)(request.labels, ['labels']),
    ]);
    const at = this.options.now();
    const userId = request.user_id ?? null;
    const labels = { ...request.labels };
    const data = { user_id: userId, status: this.options.lifecycle.initial, labels };
    const opening: Decision = { at, actor: userId || null, events: [{ type: 'session_created', data }] };
    return new SessionResponse(await this.store.create(this.candidateIds(at), opening));
  }

  async getSession(id: string): Promise<SessionResponse> {
    return new SessionResponse(await this.read(id));
  }

  /** The whole trail of a session: what `session_metadata.json` holds, as `data`. */
  async getAudit(id: string): Promise<SessionAuditResponse> {
    return new SessionAuditResponse(await this.read(id));
  }

  /** All sessions, newest first, a page at a time. */
  async list(query: Partial<SessionListQuery> = {}): Promise<SessionListResponse> {
    const defaults = new SessionListQuery();
    const page = { limit: query.limit ?? defaults.limit, offset: query.offset ?? defaults.offset };
    rules.refuse([
      ...rules.integerRule(1, 500)(page.limit, ['limit']),
      ...rules.integerRule(0)(page.offset, ['offset']),
    ]);
    return new SessionListResponse(await this.store.list({ ...page, counted: true }), page);
  }

  /** A session's events as they stand in its log, oldest first, a page at a time. */
  async events(id: string, query: Partial<EventListQuery> = {}): Promise<EventListResponse> {
    const wanted = { after: query.after, limit: query.limit ?? new EventListQuery().limit };
    rules.refuse([
      ...rules.integerRule(1, 500)(wanted.limit, ['limit']),
      ...rules.optional(rules.integerRule(0))(wanted.after, ['after']),
    ]);
    const page = await this.store.events(id, wanted);
    if (!page) throw new SessionNotFoundError(id);
    return new EventListResponse(page);
  }

  /**
   * Checks a session's whole trail as it is kept: every hash and link, and what is kept beside them. A trail that is
   * damaged is an answer (`valid: false`) and no error.
   */
  async verify(id: string): Promise<SessionVerificationResponse> {
    const verification = await this.store.verify(id);
    if (!verification) throw new SessionNotFoundError(id);
    return new SessionVerificationResponse(verification);
  }

  /** @throws InvalidSessionStateError when the lifecycle does not allow it */
  async updateStatus(id: string, status: string, options: CommandOptions = {}): Promise<SessionResponse> {
    return this.update(id, { status }, options);
  }

  /** Completes a step, with its time and its output where given, as one change. */
  async completeStep(
    id: string,
    step: string,
    result: StepResult = {},
    options: CommandOptions = {},
  ): Promise<SessionResponse> {
    const { durationMs, output, name = step } = result;
    const patch: SessionPatch = {
      stepsCompleted: [step],
      ...(durationMs !== undefined && { timing: { [timingName(name)]: rounded(durationMs) } }),
      ...(output !== undefined && { outputs: { [name]: output } }),
    };
    return this.update(id, patch, options);
  }

  /** Records a duration in milliseconds, rounded to whole ones, as `<name>_ms`; a later one replaces it. */
  async recordTiming(
    id: string,
    name: string,
    ms: number,
    options: CommandOptions = {},
  ): Promise<SessionResponse> {
    return this.update(id, { timing: { [timingName(name)]: rounded(ms) } }, options);
  }

  /** Records what a step produced; a later one of the same name replaces it, and the trail keeps both. */
  async recordOutput(
    id: string,
    name: string,
    value: JsonInput,
    options: CommandOptions = {},
  ): Promise<SessionResponse> {
    return this.update(id, { outputs: { [name]: value } }, options);
  }

  /**
   * Moves the session to the lifecycle's failure status and keeps why. `error` is whatever was thrown; the component
   * that failed is the one that the error names, else the actor.
   */
  async fail(id: string, error: unknown, options: CommandOptions = {}): Promise<SessionResponse> {
    return this.update(id, this.failurePatch(error, options), options);
  }

  /**
   * Runs a step: records how long `fn` took as `<name>_ms` and completes the step. When `fn` (or
   * `options.output`) throws, the session fails with that error, and the same error is thrown on.
   */
  async measure<T>(
    id: string,
    name: string,
    fn: () => T | Promise<T>,
    options: MeasureOptions<T> = {},
  ): Promise<T> {
    const { step = name, output } = options;
    rules.refuse([...rules.nameRule(name, ['name']), ...rules.nameRule(step, ['step'])]);
    const started = performance.now();
    const elapsed = () => Math.round(performance.now() - started);
    let result: T;
    let kept: { durationMs: number; output?: JsonInput };
    try {
      result = await fn();
      kept = { durationMs: elapsed(), ...(output && { output: output(result) }) };
    } catch (error) {
      await this.recordFailure(id, error, { [timingName(name)]: elapsed() }, options);
      throw error;
    }
    await this.completeStep(id, step, { name, ...kept }, options);
    return result;
  }

  /** One report of progress, applied as a whole or not at all. */
  async update(id: string, patch: SessionPatch, options: CommandOptions = {}): Promise<SessionResponse> {
    this.check(patch, options);
    // A copy, taken before anything else can run: what is decided on in its turn is what was checked.
    const { status, stepsCompleted, timing, outputs, labels, error } = patch;
    const checked = structuredClone({ status, stepsCompleted, timing, outputs, labels, error });
    const { lifecycle, now } = this.options;
    const { actor = null, reason, expectedRevision } = options;
    const stored = await this.store.append(id, (session) => ({
      at: now(),
      actor,
      events: decidePatch(session, checked, { lifecycle, reason, expectedRevision }),
    }));
    if (!stored) throw new SessionNotFoundError(id);
    return new SessionResponse(stored);
  }

  /** Takes a session away with its whole trail. */
  async remove(id: string): Promise<void> {
    if (!(await this.store.remove(id))) throw new SessionNotFoundError(id);
  }

  private async read(id: string): Promise<StoredSession> {
    const stored = await this.store.read(id);
    if (!stored) throw new SessionNotFoundError(id);
    return stored;
  }

  private *candidateIds(at: Date): Iterable<string> {
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++)
      yield makeSessionId(at, this.options.randomSuffix());
  }

  /** The error of `fn` is what the caller of `measure` must see, so a failure to record it is only logged. */
  private async recordFailure(
    id: string,
    error: unknown,
    timing: Readonly<Record<string, number>>,
    options: CommandOptions,
  ): Promise<void> {
    try {
      await this.update(id, { timing, ...this.failurePatch(error, options) }, options);
    } catch (recording) {
      this.#log.error(`the failure of a step of ${id} could not be recorded: ${String(recording)}`);
    }
  }

  private failurePatch(error: unknown, { actor }: CommandOptions): SessionPatch {
    const failure = describeFailure(error);
    const named = actor !== undefined && rules.nameRule(actor, []).length === 0 ? actor : null;
    const component = failure.component ?? named;
    return { status: this.options.lifecycle.failure, error: { ...failure, component } };
  }

  private check(patch: SessionPatch, options: CommandOptions): void {
    const { optional } = rules;
    rules.refuse([
      ...optional(rules.statusRule)(patch.status, ['status']),
      ...optional(rules.stepsRule)(patch.stepsCompleted, ['steps_completed']),
      ...optional(rules.timingRule)(patch.timing, ['timing']),
      ...optional(rules.outputsRule)(patch.outputs, ['outputs']),
      ...optional(rules.labelChangesRule)(patch.labels, ['labels']),
      ...optional(rules.failureRule)(patch.error, ['error']),
      ...optional(rules.reasonRule)(options.reason, ['reason']),
      ...rules.actorRule(options.actor, ['actor']),
    ]);
    this.checkTogether(patch, options);
  }

  /** What each value allows and their combination does not. */
  private checkTogether(patch: SessionPatch, options: CommandOptions): void {
    const { lifecycle } = this.options;
    const statuses = statusesOf(lifecycle);
    if (patch.status !== undefined && !statuses.includes(patch.status)) {
      const msg = `Input should be ${statuses.map((status) => `'${status}'`).join(', ')}`;
      throw new SessionValidationError([{ type: 'enum', loc: ['status'], msg }]);
    }
    if (patch.error !== undefined && patch.status !== lifecycle.failure) {
      const msg = `An error goes with the status '${lifecycle.failure}'`;
      throw new SessionValidationError([{ type: 'value_error', loc: ['error'], msg }]);
    }
    const empty = Object.values(patch).every((value) => value === undefined);
    if (options.reason !== undefined && empty) {
      const msg = 'A reason goes with what it explains: send it with a change';
      throw new SessionValidationError([{ type: 'value_error', loc: ['reason'], msg }]);
    }
  }
}

/** What is no number is left for the rule to refuse. */
function rounded(ms: number): number {
  return typeof ms === 'number' ? Math.round(ms) : ms;
}

function timingName(name: string): string {
  return name.endsWith('_ms') ? name : `${name}_ms`;
}
