/**
 * Cursors: where a page of sessions ended, as one word that a client hands back and does not read. A cursor is bound to
 * what was asked for, so that it is refused with another filter or order and does not show a wrong page.
 * Pure; node:crypto for its hash alone.
 */

import { createHash } from 'node:crypto';
import { type Fault, SessionValidationError } from './errors.js';
import { canonicalJson, type JsonInput } from './json.js';

const CURSOR_PREFIX = 'session-cursor/1\n';
const DIGEST_BYTES = 16;

/**
 * A cursor for a position among the answers to `asked`. Its bytes: a digest of all that follows, a digest of what was
 * asked, the position. Digests and no signatures: a position gives no access that its maker does not have.
 */
export function sealCursor(position: string, asked: JsonInput): string {
  const bound = Buffer.concat([digest(canonicalJson(asked)), Buffer.from(position)]);
  return Buffer.concat([digest(bound), bound]).toString('base64url');
}

/**
 * The position of a cursor.
 * @throws SessionValidationError at `loc`, when it is no cursor, or one for something else that was asked
 */
export function openCursor(cursor: string, asked: JsonInput, loc: Fault['loc']): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const bound = bytes.subarray(DIGEST_BYTES);
  // Buffer passes over what is not base64url: a cursor is only what is written as it was sealed.
  const whole = bytes.toString('base64url') === cursor && bound.length > DIGEST_BYTES;
  if (!whole || !bytes.subarray(0, DIGEST_BYTES).equals(digest(bound))) throw noCursor(loc);
  if (!bound.subarray(0, DIGEST_BYTES).equals(digest(canonicalJson(asked)))) {
    const msg = 'The cursor belongs to another filter or order: go on with the query that it came from';
    throw new SessionValidationError([{ type: 'cursor_mismatch', loc, msg }]);
  }
  return bound.subarray(DIGEST_BYTES).toString();
}

/** The error of a text that is no cursor of ours. */
export function noCursor(loc: Fault['loc']): SessionValidationError {
  const msg = 'Input should be the next_cursor of a page';
  return new SessionValidationError([{ type: 'cursor_invalid', loc, msg }]);
}

function digest(content: string | Buffer): Buffer {
  return createHash('sha256').update(CURSOR_PREFIX).update(content).digest().subarray(0, DIGEST_BYTES);
}
