/** A session's state for tests of decisions: a fresh one, but for what the test says. */
import type { Session } from '../../src/session/domain/session.js';

export function aSession(differences: Partial<Session> = {}): Session {
  return {
    id: 'sess_20240115_103045_a1b2c3',
    createdAt: '2024-01-15T10:30:45.123Z',
    updatedAt: '2024-01-15T10:30:45.123Z',
    status: 'created',
    userId: null,
    stepsCompleted: [],
    timing: {},
    labels: {},
    outputs: {},
    outputBytes: 0,
    error: null,
    reasons: [],
    revision: 1,
    head: '0'.repeat(64),
    ...differences,
  };
}
