/**
 * Takes the text of the requirement. The smallest component there is: one report, nothing to work out.
 */

import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';

export interface RequirementRequest {
  readonly sessionId: string;
  readonly text: string;
}

const MAX_CHARACTERS = 10_000;

@Injectable()
export class RequirementComponent extends BaseComponent<RequirementRequest, string> {
  readonly componentName = 'requirement';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override async process({ sessionId, text }: RequirementRequest): Promise<string> {
    const requirement = text.trim();
    if (requirement === '') throw new RangeError('the requirement has no text');
    if (requirement.length > MAX_CHARACTERS)
      throw new RangeError(`the requirement has more than ${MAX_CHARACTERS} characters`);
    await this.sessions.update(
      sessionId,
      {
        status: 'requirement_submitted',
        stepsCompleted: ['requirement_submitted'],
        outputs: { requirement: { requirement_text: requirement } },
      },
      { actor: this.componentName },
    );
    return requirement;
  }
}
