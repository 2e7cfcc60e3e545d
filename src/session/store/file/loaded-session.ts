/**
 * A session as it was read from its folder, or as a command has just left it there.
 */

import type { Session } from '../../domain/session.js';
import type { EventData } from '../../domain/session-event.js';
import type { Stamps } from './session-files.js';

export interface LoadedSession {
  readonly session: Session;
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Name of its day folder. */
  readonly day: string;
  /** Bytes of the log that are its events; 0 for a folder without a log. */
  readonly length: number;
  /** Whether bytes that a stopped write left follow them. */
  readonly torn: boolean;
  /** Whether `session_metadata.json` is missing, behind or altered. */
  readonly viewIsStale: boolean;
  /** Of one that was read: its files, which are as they should be. Absent where something is to be done about them. */
  readonly whole?: Stamps;
  /** The event that will open the log of a folder that the Python component made. */
  readonly imported?: EventData['session_imported'];
}
