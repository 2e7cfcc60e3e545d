/**
 * The wire shape of a verification: whether a session's trail is what was written, and everything that is not.
 */

import { ApiProperty } from '@nestjs/swagger';
import type { Problem, ProblemKind, Verification } from './domain/verification.js';

/** One thing that is wrong with a trail. */
export class SessionProblem {
  @ApiProperty({
    description: 'Position of the event that it concerns; null where it is none in particular.',
    type: 'integer',
    nullable: true,
    example: 3,
  })
  seq: number | null;

  @ApiProperty({
    description: 'What kind of problem it is. More kinds may come.',
    type: String,
    example: 'line_altered',
  })
  kind: ProblemKind;

  @ApiProperty({ description: 'The problem in words.', example: 'the hash does not match the line' })
  message: string;

  constructor(problem: Problem) {
    this.seq = problem.seq;
    this.kind = problem.kind;
    this.message = problem.message;
  }
}

export class SessionVerificationResponse {
  @ApiProperty({ description: 'Whether there is no problem.', example: true })
  valid: boolean;

  @ApiProperty({
    description: 'How many events verify, from the first on.',
    type: 'integer',
    example: 4,
  })
  events: number;

  @ApiProperty({
    description:
      'Hash of the last event that verifies; null when none does. Kept elsewhere, it shows later whether the trail of today is still there.',
    type: String,
    nullable: true,
    example: 'b'.repeat(64),
  })
  head: string | null;

  @ApiProperty({ description: 'In the order of the log; at most 100.', type: [SessionProblem] })
  problems: SessionProblem[];

  constructor(verification: Verification) {
    this.valid = verification.valid;
    this.events = verification.events;
    this.head = verification.head;
    this.problems = verification.problems.map((problem) => new SessionProblem(problem));
  }
}
