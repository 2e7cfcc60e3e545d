/**
 * The events a session consists of, exactly as they stand in its log: names of members are the wire's.
 * A reader keeps and shows types that are not in this union (see `SessionEvent`).
 * Pure: types only.
 */

import type { JsonObject, JsonValue } from './json.js';

/** Why and by which failure a session came to its failure status. */
export interface Failure {
  /** The error's class or code, such as `TimeoutError`. */
  readonly error: string;
  readonly message: string;
  readonly component: string | null;
  readonly details: JsonObject;
}

/** What the list shows of a session that the Python component made, taken from its step files. */
export interface SessionSummary {
  readonly requirement_text: string | null;
  readonly jira_epic_id: string | null;
  readonly total_story_points: number | null;
  readonly total_hours: number | null;
}

/** The request that made a session, as lower-case hexadecimal SHA-256: of its key, and of what it asked for. */
export interface Idempotency {
  readonly key_sha256: string;
  readonly request_sha256: string;
}

export interface EventData {
  readonly session_created: {
    readonly user_id: string | null;
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
    /** Present when the request had an `Idempotency-Key`. */
    readonly idempotency?: Idempotency;
  };
  /** A folder of the Python component was adopted. `document` is its old metadata file, to the byte. */
  readonly session_imported: {
    readonly document: string;
    readonly document_sha256: string;
    readonly created_at: string;
    readonly status: string;
    readonly user_id: string | null;
    readonly steps_completed: readonly string[];
    readonly timing: Readonly<Record<string, number>>;
    readonly summary: SessionSummary;
  };
  readonly status_changed: { readonly from: string; readonly to: string; readonly error?: Failure };
  /** Another failure of a session that has the failure status already. */
  readonly failure_recorded: { readonly error: Failure };
  readonly step_completed: { readonly step: string };
  readonly timing_recorded: { readonly name: string; readonly ms: number };
  readonly output_recorded: { readonly name: string; readonly value: JsonValue };
  /** Labels that were set; `null` takes one away (RFC 7396). */
  readonly labels_changed: { readonly labels: Readonly<Record<string, string | null>> };
  /** A torn tail was cut off this log before this event; its bytes are kept in `file`, beside the log. */
  readonly log_recovered: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

export type EventType = keyof EventData;

/**
 * Members that any event's data may carry besides its own. A command of several events is all or nothing: each
 * says which `part` of how many `parts` it is, so that a log which ends within a command is seen to.
 */
export type CommandData = {
  readonly reason?: string;
  readonly part?: number;
  readonly parts?: number;
};

/** An event that was decided and is not yet in the log. */
export type EventDraft = {
  [T in EventType]: { readonly type: T; readonly data: EventData[T] & CommandData };
}[EventType];

interface Envelope {
  /** Version of the line format. */
  readonly v: 1;
  /** The session's id. */
  readonly sid: string;
  /** Position in the log: 0, 1, 2 … without gaps. */
  readonly seq: number;
  /** `hash` of the event before; of the first, the genesis hash (see event-log.ts). 64 hexadecimal digits. */
  readonly prev: string;
  /** RFC 3339, UTC, milliseconds; never earlier than the event before. */
  readonly at: string;
  /** Who did it, as the caller named itself; `null` where it did not. */
  readonly actor: string | null;
  /** SHA-256 over the stored bytes: see event-log.ts. 64 hexadecimal digits. */
  readonly hash: string;
}

/** An event of the log, of a type that this version knows. */
export type KnownEvent = Envelope & EventDraft;
/** Any event of the log. */
export type SessionEvent = Envelope & {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};
