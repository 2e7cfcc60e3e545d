/**
 * The state of a session as the index keeps it beside its row, so that whoever asks for a session that is not in memory need
 * not wait for its log to be read and every line of it to be checked. It holds as long as its files have not been changed,
 * of which the kernel keeps book.
 */

import { hash } from 'node:crypto';
import { deepFreeze } from '../../domain/json.js';
import type { Session } from '../../domain/session.js';
import { parseSessionId } from '../../domain/session-id.js';
import type { LoadedSession } from './loaded-session.js';
import type { Stamps } from './session-files.js';

export interface KeptState {
  /** Bytes of its log. */
  readonly length: number;
  readonly whole: Stamps;
  /** The state as JSON, and the SHA-256 of that: the index is not checked by anything else. */
  readonly text: string;
  readonly sha256: string;
}

/** A longer one, in characters, is not kept: it would take several pages of the index, and most of the time to read it. */
const MAX_LENGTH = 3_800;

/** What is kept of a session; nothing where the next reader has to look at its folder. */
export function keepState(loaded: LoadedSession): KeptState | undefined {
  const { session, length, whole } = loaded;
  if (!whole || !canKeep(loaded)) return undefined;
  const text = JSON.stringify(session);
  return text.length > MAX_LENGTH ? undefined : { length, whole, text, sha256: digest(text) };
}

/**
 * Whether something is to be kept of it, as far as that can be seen at once. Not of what the Python component left, which
 * may be of any size and depth. Not of what lies elsewhere than its id says: another folder may come first.
 */
export function canKeep({ session, day, whole }: LoadedSession): boolean {
  const isInPlace = parseSessionId(session.id)?.day === day;
  return whole !== undefined && isInPlace && !session.imported && session.outputBytes <= MAX_LENGTH;
}

/** The state, unless it was damaged since it was kept. */
export function restoreState({ text, sha256 }: KeptState): Session | undefined {
  return digest(text) === sha256 ? deepFreeze(JSON.parse(text)) : undefined;
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}
