/**
 * The public API: what another Nest application imports. What is not exported here may change without notice.
 */

export { BaseComponent, type ComponentHealth } from './base-component.js';
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
export { type Decision, genesisHash, type LogPosition, sealEvents } from './domain/event-log.js';
export type { JsonInput, JsonObject, JsonValue } from './domain/json.js';
export { ASSESSMENT_LIFECYCLE, type Lifecycle } from './domain/lifecycle.js';
export { fold, type Session, type SessionPatch } from './domain/session.js';
export { CORRUPTED, type ListedSession, listedSession, searchText } from './domain/session-document.js';
export type { EventDraft, Failure, Idempotency, SessionEvent } from './domain/session-event.js';
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
export type { FileStoreChoice, SessionModuleOptions } from './session.options.js';
export {
  type CommandOptions,
  type MeasureOptions,
  type SessionHealth,
  SessionService,
  type StepResult,
} from './session.service.js';
export {
  EventListQuery,
  EventListResponse,
  SessionListItem,
  SessionListQuery,
  SessionListResponse,
} from './session-listing.dto.js';
export { SessionProblem, SessionVerificationResponse } from './session-verification.dto.js';
export {
  type EventPage,
  type EventQuery,
  type ListOrder,
  type ListQuery,
  type SessionFilter,
  type SessionPage,
  type SessionStats,
  SessionStore,
  type StoredSession,
  type StoreHealth,
  type TimingStats,
} from './store/session-store.js';
