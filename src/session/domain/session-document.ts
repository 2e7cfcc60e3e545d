/**
 * The session's metadata document: what `session_metadata.json` holds and what the audit route gives as `data`.
 * A view of the state, made here so that every store and every answer shows the same. Pure.
 */

import type { JsonObject } from './json.js';
import type { Session } from './session.js';
import type { SessionSummary } from './session-event.js';

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
  return { ...document, ...membersBeyond(document, session.imported?.document ?? {}) };
}

function membersBeyond(known: object, document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !Object.hasOwn(known, name)));
}

/** What a person recognises a session by in a list: from its outputs, else from what was imported. */
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
