/**
 * Idempotency keys: what is kept of the request that made a session, so that the same request made again is known.
 * Pure; node:crypto for its hash alone.
 */

import { createHash } from 'node:crypto';
import type { Decision } from './event-log.js';
import { canonicalJson } from './json.js';
import type { Idempotency } from './session-event.js';

/** How long a key is kept, in milliseconds: a day. After that it is as good as new. */
export const IDEMPOTENCY_KEY_KEPT_MS = 24 * 60 * 60 * 1_000;

/** What a session is created from, as far as requests can differ in it. */
export interface CreationRequest {
  readonly user_id: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** Hashes and not the texts: a key may be somebody's secret. */
export function idempotencyOf(key: string, request: CreationRequest): Idempotency {
  return { key_sha256: sha256(key), request_sha256: sha256(canonicalJson(request)) };
}

/** The key that an opening event carries, as its hash. */
export function idempotencyKeyOf({ events: [opening] }: Decision): string | undefined {
  return (opening?.data as { idempotency?: Idempotency } | undefined)?.idempotency?.key_sha256;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
