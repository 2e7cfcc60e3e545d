/**
 * Whether an event's data is what its type says (docs/STORAGE.md, 4). What is verified before it is written is verified
 * again when it is read: somebody else may have sealed it. Pure.
 */

import { isJsonObject } from './json.js';
import type { EventType } from './session-event.js';

type Data = Readonly<Record<string, unknown>>;

const isText = (value: unknown) => typeof value === 'string';
const isTextOrNull = (value: unknown) => value === null || isText(value);
const isMilliseconds = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText);
const isRecordOf = (is: (value: unknown) => boolean) => (value: unknown) =>
  isJsonObject(value) && Object.values(value).every(is);
const isFailure = (value: unknown) =>
  isJsonObject(value) &&
  isText(value.error) &&
  isText(value.message) &&
  isTextOrNull(value.component) &&
  isJsonObject(value.details);
const isIdempotency = (value: unknown) =>
  isJsonObject(value) && isText(value.key_sha256) && isText(value.request_sha256);

const IS_DATA_OF: Readonly<Record<EventType, (data: Data) => boolean>> = {
  session_created: ({ user_id, status, labels, idempotency }) =>
    isTextOrNull(user_id) &&
    isText(status) &&
    isRecordOf(isText)(labels) &&
    (idempotency === undefined || isIdempotency(idempotency)),
  session_imported: (data) =>
    [data.document, data.document_sha256, data.created_at, data.status].every(isText) &&
    isTextOrNull(data.user_id) &&
    isTextList(data.steps_completed) &&
    isRecordOf(isMilliseconds)(data.timing) &&
    isJsonObject(data.summary),
  status_changed: ({ from, to, error }) =>
    isText(from) && isText(to) && (error === undefined || isFailure(error)),
  failure_recorded: ({ error }) => isFailure(error),
  step_completed: ({ step }) => isText(step),
  timing_recorded: ({ name, ms }) => isText(name) && isMilliseconds(ms),
  output_recorded: ({ name, value }) => isText(name) && value !== undefined,
  labels_changed: ({ labels }) => isRecordOf(isTextOrNull)(labels),
  log_recovered: ({ file, bytes, sha256 }) => isText(file) && isMilliseconds(bytes) && isText(sha256),
};

/** Whether `data` is of this type; of a type that is not known, anything is. */
export function isDataOf(type: string, data: Data): boolean {
  return !Object.hasOwn(IS_DATA_OF, type) || IS_DATA_OF[type as EventType](data);
}
