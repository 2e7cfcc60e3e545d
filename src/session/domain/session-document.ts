/**
 * The session's metadata document: what `session_metadata.json` holds and what the audit route gives as `data`.
 * A view of the state, made here so that every store and every answer shows the same. Pure.
 */

import type { JsonObject } from './json.js';
import type { Session } from './session.js';
import type { SessionSummary } from './session-event.js';
import { parseSessionId } from './session-id.js';

/**
 * The document of a session: the specification's six members first, then ours, then what an imported document
 * held beyond them. A folder of the Python component that was never changed is given as it is.
 */
export function toDocument(session: Session): JsonObject {
  if (session.revision === 0 && session.imported) return session.imported.document;
  const document = {
    session_id: session.id,
    created_at: session.createdAt,
    status: session.status,
    user_id: session.userId,
    steps_completed: session.stepsCompleted,
    timing: session.timing,
    labels: session.labels,
    outputs: session.outputs,
    error: session.error as JsonObject | null,
    updated_at: session.updatedAt,
    revision: session.revision,
    head: session.head,
  };
  if (!session.imported) return document;
  return { ...document, ...membersBeyond(document, session.imported.document) };
}

function membersBeyond(known: object, document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !Object.hasOwn(known, name)));
}

/** The status under which a list has a session that is there and cannot be read. */
export const CORRUPTED = 'corrupted';

/** What a list shows of a session. */
export interface ListedSession {
  readonly id: string;
  /** RFC 3339, UTC, milliseconds; of a session that cannot be read, what its id says, else null. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly status: string;
  readonly userId: string | null;
  readonly stepsCompleted: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly revision: number;
  readonly summary: SessionSummary;
}

export function listedSession(session: Session): ListedSession {
  const { id, createdAt, updatedAt, status, userId, stepsCompleted, labels, revision } = session;
  const summary = summarize(session);
  const requirement_text = shorten(summary.requirement_text);
  return {
    id,
    createdAt,
    updatedAt,
    status,
    userId,
    stepsCompleted,
    labels,
    revision,
    summary: { ...summary, requirement_text },
  };
}

/** What a list shows of a session that cannot be read. */
export function corruptedSession(id: string): ListedSession {
  return {
    id,
    createdAt: parseSessionId(id)?.createdAt.toISOString() ?? null,
    updatedAt: null,
    status: CORRUPTED,
    userId: null,
    stepsCompleted: [],
    labels: {},
    revision: 0,
    summary: { requirement_text: null, jira_epic_id: null, total_story_points: null, total_hours: null },
  };
}

/** Cut between characters, never within one. */
function shorten(text: string | null): string | null {
  if (text === null || text.length <= REQUIREMENT_TEXT_SHOWN) return text;
  const characters = [...text.slice(0, 2 * REQUIREMENT_TEXT_SHOWN + 2)];
  if (characters.length <= REQUIREMENT_TEXT_SHOWN) return text;
  return `${characters.slice(0, REQUIREMENT_TEXT_SHOWN).join('')}…`;
}

/** What a person recognises a session by: from its outputs, else from what was imported. */
export function summarize(session: Session): SessionSummary {
  const { requirement, stories, effort } = session.outputs;
  const before = session.imported?.summary;
  return {
    requirement_text: stringOf(requirement, 'requirement_text') ?? before?.requirement_text ?? null,
    jira_epic_id: stringOf(requirement, 'jira_epic_id') ?? before?.jira_epic_id ?? null,
    total_story_points: numberOf(stories, 'total_story_points') ?? before?.total_story_points ?? null,
    total_hours: numberOf(effort, 'total_hours') ?? before?.total_hours ?? null,
  };
}

/** How many characters of a requirement a list shows. */
export const REQUIREMENT_TEXT_SHOWN = 200;
/** How many characters of a requirement a search looks through. */
const REQUIREMENT_SEARCHED = 16_384;

/** What a search looks through: the requirement, the labels, the user, and the reasons that were given. */
export function searchText(session: Session): string {
  const requirement = summarize(session).requirement_text?.slice(0, REQUIREMENT_SEARCHED);
  const labels = Object.entries(session.labels).map(([key, value]) => `${key} ${value}`);
  const parts = [requirement, session.userId, ...labels, ...session.reasons];
  return parts.filter((part) => part).join('\n');
}

/** A document's member when it is a string. */
export function stringOf(document: unknown, name: string): string | undefined {
  const value = (document as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** A document's member when it is a number. */
export function numberOf(document: unknown, name: string): number | undefined {
  const value = (document as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'number' ? value : undefined;
}
