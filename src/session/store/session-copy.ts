/**
 * What a store offers so that all of its sessions can be copied into another store: it is a source or a target. The copying
 * itself is in copy-sessions.ts. Like the port, it may import the domain and nothing else.
 */

import type { Session } from '../domain/session.js';
import type { Problem, ProblemKind } from '../domain/verification.js';

/** What is wrong with a session; `not_copyable`: nothing, but it is more than a program can take. */
export interface CopyProblem extends Omit<Problem, 'kind'> {
  readonly kind: ProblemKind | 'not_copyable';
}

/** A target cannot take a session for what the session is: no later try fares better. The others may be there, or not. */
export class NotCopyableError extends Error {}

export function notCopyable(message: string): CopyProblem {
  return { seq: null, kind: 'not_copyable', message };
}

/** Whether a value is too deep, too long or too large for this program. */
export function isTooMuch(error: unknown): error is Error {
  const { name, code } = error as Partial<NodeJS.ErrnoException>;
  return name === 'RangeError' || code === 'ERR_STRING_TOO_LONG';
}

/** A session as a source lists it; a source may know more of where it lies. */
export interface SourceEntry {
  readonly id: string;
  /** About how much there is to read, in bytes. */
  readonly bytes: number;
  /** Why nothing can be read of it, where that is known already. */
  readonly problem?: CopyProblem;
}

/** What is copied of a session. */
export interface Copy {
  /** The lines of its log, each with its newline, to the byte. */
  readonly log: Buffer;
  /** What recoveries cut off the log and kept beside it, by the name that the log has for it. */
  readonly tails: ReadonlyMap<string, Buffer>;
}

/** A session that can be copied, and what its lines come to. */
export interface WholeSession extends Copy {
  readonly session: Session;
}

/** What was read of a session. */
export interface ReadSession {
  readonly id: string;
  /** Absent where it is damaged. */
  readonly whole?: WholeSession;
  /** Why it is damaged; or, of one that is whole, what was found beside its lines. */
  readonly problems: readonly CopyProblem[];
  /** Whether its log was made for the copy, of what the Python component left. */
  readonly imported: boolean;
}

/** What a source and a target have in common. */
interface CopySide {
  /** How many sessions there are, about: some may be damaged. */
  count(): Promise<number>;
  /** Which of these are not there. */
  missing(ids: readonly string[]): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/**
 * The store that is copied. Nothing of it is changed.
 *
 * Any method of either side may throw `StoreUnavailableError` or, where it cannot be what it is to be, `StoreOpenError`.
 */
export interface CopySource<Entry extends SourceEntry = SourceEntry> extends CopySide {
  /** Names the store in the first link of every chain. */
  readonly storeId: string;
  /** All sessions, each once. Memory does not grow with them. */
  entries(): AsyncIterable<Entry>;
  /**
   * Reads these and checks every link of every chain. One that is gone meanwhile is left out.
   * @param importedAt the time of an event that says that the Python component's session was imported
   */
  read(entries: readonly Entry[], importedAt: Date): Promise<readonly ReadSession[]>;
  /** Another text after somebody has used the store for writing, and each time while somebody has it open for that. */
  stamp(): Promise<string>;
}

/** How a copy stands when it is taken up. */
export interface Begun {
  /** When it was begun, be it by a process that is no more. */
  readonly since: Date;
  /** Whether some of it may be there already. */
  readonly goesOn: boolean;
}

/** The store that sessions are copied into. From `begin` until `finish` no server opens it, and no other copy. */
export interface CopyTarget extends CopySide {
  /**
   * Becomes the store of this id. What was put by a copy that was stopped is there; what was half put is not.
   * @throws StoreOpenError where it holds sessions that are not of such a copy
   */
  begin(storeId: string): Promise<Begun>;
  /** Puts sessions that are not there; they are durable when this resolves. Of each, all is there or nothing. @throws NotCopyableError */
  put(sessions: readonly WholeSession[]): Promise<void>;
  /** What is there of these, as it is read from where it was put. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, Copy>>;
  remove(ids: readonly string[]): Promise<void>;
  /** The ids of all sessions, some at a time. */
  ids(): AsyncIterable<readonly string[]>;
  /** The copy is whole: from now on it is a store like any other. */
  finish(): Promise<void>;
}
