/**
 * The public API: what another Nest application imports. What is not exported here may change without notice.
 */

export { BaseComponent, type ComponentHealth } from './base-component.js';
export {
  type Fault,
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
export type { EventDraft, Failure, SessionEvent } from './domain/session-event.js';
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
  type CorruptedSession,
  type EventPage,
  type EventQuery,
  type SessionPage,
  SessionStore,
  type StoredSession,
  type StoreHealth,
} from './store/session-store.js';
