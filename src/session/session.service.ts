/**
 * The use cases: what a client or another module can do with a session. Checks inputs, asks the domain to decide,
 * the store to keep. Throws the errors of domain/errors.ts and never an HTTP exception.
 */

import { Inject, Injectable, Logger } from '@nestjs/common';
import { BaseComponent, type ComponentHealth } from './base-component.js';
import type { CommandOptions, CreateOptions, MeasureOptions, StepResult } from './command-options.js';
import { IdempotencyKeyReusedError, SessionNotFoundError, SessionValidationError } from './domain/errors.js';
import type { Decision } from './domain/event-log.js';
import { describeFailure } from './domain/failure.js';
import { IDEMPOTENCY_KEY_KEPT_MS, idempotencyOf } from './domain/idempotency.js';
import type { JsonInput } from './domain/json.js';
import { statusesOf } from './domain/lifecycle.js';
import { decidePatch, type SessionPatch } from './domain/session.js';
import { noCursor, openCursor, sealCursor } from './domain/session-cursor.js';
import { CORRUPTED } from './domain/session-document.js';
import { makeSessionId } from './domain/session-id.js';
import * as rules from './domain/session-rules.js';
import { faultsIn } from './keeps.decorator.js';
import { SessionAuditResponse, type SessionCreateRequest, SessionResponse } from './session.dto.js';
import { SESSION_SERVICE_OPTIONS, type SessionServiceOptions } from './session.options.js';
import {
  EventListQuery,
  EventListResponse,
  SessionListQuery,
  SessionListResponse,
} from './session-listing.dto.js';
import {
  SessionFilterQuery,
  SessionSearchQuery,
  SessionSearchResponse,
  toFilter,
} from './session-search.dto.js';
import { SessionStatsResponse } from './session-stats.dto.js';
import { SessionVerificationResponse } from './session-verification.dto.js';
import {
  type ListQuery,
  type SessionPage,
  SessionStore,
  type StoredSession,
  type StoreHealth,
} from './store/session-store.js';

/** The component's health, with that of its store. */
export interface SessionHealth extends ComponentHealth {
  readonly store: StoreHealth;
}

/** How many ids of one second are tried before the second counts as full. */
const ID_ATTEMPTS = 256;

/** Where the faults of a query are told, whoever asks; and one of a cursor. */
const QUERY = ['query'];
const QUERY_CURSOR = [...QUERY, 'cursor'];

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

  /**
   * Creates a session. Its id and `created_at` come from one reading of the clock.
   * @throws IdempotencyKeyReusedError when the key came with another request before
   * @throws IdempotencyKeyInUseError while another call with the same key is not done
   */
  override async process(
    request: SessionCreateRequest = {},
    { idempotencyKey: key }: CreateOptions = {},
  ): Promise<SessionResponse> {
    rules.refuse([
      ...rules.userIdRule(request.user_id, ['user_id']),
      ...rules.optional(rules.labelsRule)(request.labels, ['labels']),
      ...rules.optional(rules.idempotencyKeyRule)(key, ['idempotency_key']),
    ]);
    const at = this.options.now();
    const asked = { user_id: request.user_id ?? null, labels: { ...request.labels } };
    const idempotency = key == null ? undefined : idempotencyOf(key, asked);
    const begun = { user_id: asked.user_id, status: this.options.lifecycle.initial, labels: asked.labels };
    const data = { ...begun, ...(idempotency && { idempotency }) };
    const opening: Decision = {
      at,
      actor: asked.user_id || null,
      events: [{ type: 'session_created', data }],
    };
    const keyedSince = idempotency && new Date(at.getTime() - IDEMPOTENCY_KEY_KEPT_MS);
    const stored = await this.store.create(this.candidateIds(at), opening, keyedSince);
    if (stored.session.idempotency?.request_sha256 !== idempotency?.request_sha256)
      throw new IdempotencyKeyReusedError();
    return new SessionResponse(stored);
  }

  async getSession(id: string): Promise<SessionResponse> {
    return new SessionResponse(await this.read(id));
  }

  /** The whole trail of a session: what `session_metadata.json` holds, as `data`. */
  async getAudit(id: string): Promise<SessionAuditResponse> {
    return new SessionAuditResponse(await this.read(id));
  }

  /**
   * The sessions that fit a query, a page at a time. Going on with `next_cursor` shows each session once that is there
   * all the while, whatever is created and removed meanwhile.
   */
  async list(query: Partial<SessionSearchQuery> = {}): Promise<SessionSearchResponse> {
    this.checkFilter(query, SessionSearchQuery);
    const defaults = new SessionSearchQuery();
    const { order = defaults.order, limit = defaults.limit } = query;
    const asked = { filter: toFilter(query), order };
    const after = query.cursor == null ? undefined : openCursor(query.cursor, asked, QUERY_CURSOR);
    const page = await this.pageFrom({ ...asked, limit, after });
    return new SessionSearchResponse(page, page.next === null ? null : sealCursor(page.next, asked));
  }

  /**
   * All sessions, newest first, by number of the page's first session, with how many there are. What is created while
   * somebody pages moves the rest on: `list` does not have that.
   */
  async listPage(query: Partial<SessionListQuery> = {}): Promise<SessionListResponse> {
    rules.refuse(faultsIn(query, SessionListQuery, QUERY));
    const defaults = new SessionListQuery();
    const page = { limit: query.limit ?? defaults.limit, offset: query.offset ?? defaults.offset };
    return new SessionListResponse(await this.store.list({ ...page, counted: true }), page);
  }

  /** How many of the sessions that fit a query there are of each status and day, and how long their steps took. */
  async stats(query: SessionFilterQuery = {}): Promise<SessionStatsResponse> {
    this.checkFilter(query, SessionFilterQuery);
    return new SessionStatsResponse(await this.store.stats(toFilter(query)));
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

  private checkFilter(query: SessionFilterQuery, shape: typeof SessionFilterQuery): void {
    rules.refuse(faultsIn(query, shape, QUERY));
    const known = [...statusesOf(this.options.lifecycle), CORRUPTED];
    if (query.status?.some((status) => !known.includes(status)))
      rules.refuse(rules.noneOf(known, [...QUERY, 'status']));
  }

  /** A cursor that somebody made up may have a position that the store never gave. */
  private async pageFrom(query: ListQuery): Promise<SessionPage> {
    try {
      return await this.store.list(query);
    } catch (error) {
      throw query.after !== undefined && error instanceof RangeError ? noCursor(QUERY_CURSOR) : error;
    }
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
    if (patch.status !== undefined && !statuses.includes(patch.status))
      rules.refuse(rules.noneOf(statuses, ['status']));
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
