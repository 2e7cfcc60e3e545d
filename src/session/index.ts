/**
 * The public API: what another Nest application imports. What is not exported here may change without notice.
 */

export { BaseComponent, type ComponentHealth } from './base-component.js';
export {
  InvalidSessionStateError,
  isSessionError,
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
export type { Decision } from './domain/event-log.js';
export type { JsonInput, JsonObject, JsonValue } from './domain/json.js';
export { ASSESSMENT_LIFECYCLE, type Lifecycle } from './domain/lifecycle.js';
export type { Session, SessionPatch } from './domain/session.js';
export type { EventDraft, Failure, SessionEvent } from './domain/session-event.js';
export {
  SessionAuditResponse,
  SessionCreateRequest,
  SessionResponse,
  SessionUpdateRequest,
} from './session.dto.js';
export { SessionModule } from './session.module.js';
export type { FileStoreChoice, SessionModuleOptions } from './session.options.js';
export {
  type CommandOptions,
  type MeasureOptions,
  SessionService,
  type StepResult,
} from './session.service.js';
export { EventListResponse, SessionListItem, SessionListResponse } from './session-listing.dto.js';
export {
  type CorruptedSession,
  type EventPage,
  type EventQuery,
  type SessionPage,
  SessionStore,
  type StoredSession,
} from './store/session-store.js';
