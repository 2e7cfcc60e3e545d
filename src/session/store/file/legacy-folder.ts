/**
 * Reads the folders that the Python component wrote: `session_metadata.json` and, for listings, its step files.
 * Yields the `session_imported` event that describes such a folder; the event is appended when the session is first
 * changed. Writes nothing.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SessionCorruptedError } from '../../domain/errors.js';
import { isJsonObject, type JsonObject, parseJson } from '../../domain/json.js';
import { ASSESSMENT_LIFECYCLE } from '../../domain/lifecycle.js';
import { numberOf, stringOf } from '../../domain/session-document.js';
import type { EventData, SessionSummary } from '../../domain/session-event.js';
import { parseSessionId } from '../../domain/session-id.js';
import type { FileSystem } from './durable-file.js';
import { naiveTimeToUtc } from './naive-time.js';

type Imported = EventData['session_imported'];

const MAX_STEP_FILE_BYTES = 16 * 1024 * 1024;
/** Failures that say nothing about the file: an adoption would keep for good that there was nothing in it. */
const MOMENTARY = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);
const REQUIREMENT_FILE = join('step1_input', 'requirement.json');
const SUMMARY_FILE = 'final_summary.json';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Describes the folder of a Python session from the bytes of its metadata file.
 * Missing members get the specification's defaults; a member of another kind is corruption.
 * @throws SessionCorruptedError
 */
export function importDocument(
  id: string,
  day: string,
  bytes: Uint8Array,
  timeZone: string,
): Omit<Imported, 'summary'> {
  const corrupted = (finding: string, cause?: unknown) => new SessionCorruptedError(id, finding, cause);
  const { text, document } = parse(bytes, corrupted);
  if ('revision' in document && 'head' in document)
    throw corrupted('events.jsonl is missing: session_metadata.json is the view of a log');
  const member = <T>(name: string, fallback: T, convert: (value: unknown) => T | undefined): T => {
    const value = document[name];
    const converted = value === undefined || value === null ? fallback : convert(value);
    if (converted === undefined)
      throw corrupted(`"${name}" in session_metadata.json is not what it should be`);
    return converted;
  };
  member('session_id', id, (value) => (value === id ? id : undefined));
  return {
    document: text,
    document_sha256: createHash('sha256').update(bytes).digest('hex'),
    created_at: member('created_at', createdAtFromNames(id, day, timeZone), (value) =>
      typeof value === 'string' ? naiveTimeToUtc(value, timeZone) : undefined,
    ),
    status: member('status', ASSESSMENT_LIFECYCLE.initial, (value) => stringValue(value)),
    user_id: member('user_id', null as string | null, (value) => stringValue(value)),
    steps_completed: member('steps_completed', [] as readonly string[], stringList),
    timing: member('timing', {} as Readonly<Record<string, number>>, millisecondsRecord),
  };
}

/** What the list shows of a Python session. A step file that is missing or unreadable leaves its members null. */
export async function readSummary(files: FileSystem, folder: string): Promise<SessionSummary> {
  const requirement = await readStepFile(files, join(folder, REQUIREMENT_FILE));
  const summary = await readStepFile(files, join(folder, SUMMARY_FILE));
  const stories = summary?.jira_stories_output ?? summary?.jira_stories;
  const effort = summary?.estimation_effort_output ?? summary?.estimation_effort;
  return {
    requirement_text: stringOf(requirement, 'requirement_text') ?? null,
    jira_epic_id: stringOf(requirement, 'jira_epic_id') ?? null,
    total_story_points: numberOf(stories, 'total_story_points') ?? null,
    total_hours: numberOf(effort, 'total_hours') ?? null,
  };
}

async function readStepFile(files: FileSystem, path: string): Promise<JsonObject | undefined> {
  try {
    const found = await files.stat(path);
    if (!found.isFile() || found.size > MAX_STEP_FILE_BYTES) return undefined;
    const value: unknown = JSON.parse(await files.readFile(path, 'utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (MOMENTARY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return undefined;
  }
}

function parse(
  bytes: Uint8Array,
  corrupted: (finding: string, cause?: unknown) => Error,
): { text: string; document: JsonObject } {
  let document: unknown;
  let text: string;
  try {
    text = utf8.decode(bytes);
    document = parseJson(text);
    // A document that is too deep to be written again could be read and never shown.
    JSON.stringify(document);
  } catch (cause) {
    throw corrupted('session_metadata.json is not JSON in UTF-8', cause);
  }
  if (!isJsonObject(document)) throw corrupted('session_metadata.json is not a JSON object');
  return { text, document };
}

/** A document without `created_at`: the id tells it, else the day folder does. */
function createdAtFromNames(id: string, day: string, timeZone: string): string {
  const parts = parseSessionId(id);
  const minutes = /-(\d{2})(\d{2})$/.exec(day.slice('2024-01-15'.length));
  const clock = minutes ? `${minutes[1]}:${minutes[2]}:00` : '00:00:00';
  const naive = parts
    ? parts.createdAt.toISOString().slice(0, 19)
    : `${day.slice(0, '2024-01-15'.length)}T${clock}`;
  return naiveTimeToUtc(naive, timeZone) ?? new Date(0).toISOString();
}

function stringValue(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function millisecondsRecord(value: unknown): Readonly<Record<string, number>> | undefined {
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value);
  const isWhole = (ms: unknown) => typeof ms === 'number' && ms >= 0 && Number.isSafeInteger(Math.round(ms));
  if (!entries.every(([, ms]) => isWhole(ms))) return undefined;
  return Object.fromEntries(entries.map(([name, ms]) => [name, Math.round(ms as number)]));
}
