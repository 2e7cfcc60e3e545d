/**
 * The public API: what another Nest application imports. What is not exported here may change without notice.
 */

export { BaseComponent, type ComponentHealth } from './base-component.js';
export type { CommandOptions, CreateOptions, MeasureOptions, StepResult } from './command-options.js';
export {
  type Fault,
  IdempotencyKeyInUseError,
  IdempotencyKeyReusedError,
  InvalidSessionStateError,
  isSessionError,
  type Outcome,
  SessionConflictError,
  SessionCorruptedError,
  type SessionError,
  type SessionErrorCode,
  type SessionErrorDict,
  SessionLimitError,
  SessionNotFoundError,
  SessionValidationError,
  StoreOpenError,
  StoreUnavailableError,
} from './domain/errors.js';
export { type Decision, genesisHash, type LogPosition, logPosition, sealEvents } from './domain/event-log.js';
export { IDEMPOTENCY_KEY_KEPT_MS, idempotencyKeyOf } from './domain/idempotency.js';
export type { JsonInput, JsonObject, JsonValue } from './domain/json.js';
export { ASSESSMENT_LIFECYCLE, type Lifecycle } from './domain/lifecycle.js';
export { wordsOf } from './domain/search-words.js';
export { decidePatch, fold, type Session, type SessionPatch } from './domain/session.js';
export { CORRUPTED, type ListedSession, listedSession, searchText } from './domain/session-document.js';
export type { EventData, EventDraft, Failure, Idempotency, SessionEvent } from './domain/session-event.js';
export { makeSessionId } from './domain/session-id.js';
export {
  type Problem,
  type ProblemKind,
  type Trail,
  type Verification,
  verdict,
  verifyTrail,
} from './domain/verification.js';
export {
  SessionAuditResponse,
  SessionCreateRequest,
  SessionResponse,
  SessionUpdateRequest,
} from './session.dto.js';
export {
  SessionModule,
  type SessionModuleAsyncOptions,
  type SessionModuleExtras,
} from './session.module.js';
export type {
  FileStoreChoice,
  PostgresStoreChoice,
  SessionModuleOptions,
  StoreChoice,
} from './session.options.js';
export { type SessionHealth, SessionService } from './session.service.js';
export {
  EventListQuery,
  EventListResponse,
  SessionListItem,
  SessionListQuery,
  SessionListResponse,
} from './session-listing.dto.js';
export { SessionFilterQuery, SessionSearchQuery, SessionSearchResponse } from './session-search.dto.js';
export { SessionStatsResponse, SessionsOfDay, TimingOfSessions } from './session-stats.dto.js';
export { SessionProblem, SessionVerificationResponse } from './session-verification.dto.js';
export {
  type EventPage,
  type EventQuery,
  type ListOrder,
  type ListQuery,
  type SessionChange,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  SessionStore,
  STATS_LIMITS,
  type StoredSession,
  type StoreHealth,
  type TimingStats,
} from './store/session-store.js';
