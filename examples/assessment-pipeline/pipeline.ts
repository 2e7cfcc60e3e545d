/**
 * Runs the components in order, each on what those before it answered, and keeps why when one of them throws.
 */

import { basename, resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { type BaseComponent, SessionService } from 'impact-session';
import { CodeImpactComponent } from './code-impact/code-impact.component.js';
import { EffortComponent } from './effort/effort.component.js';
import { ModulesComponent } from './modules/modules.component.js';
import { RequirementComponent } from './requirement/requirement.component.js';
import { RisksComponent } from './risks/risks.component.js';
import { SearchComponent } from './search/search.component.js';
import { StoriesComponent } from './stories/stories.component.js';

/** Told after every report of a component; the session has it by then. */
export type Progress = (sessionId: string) => Promise<void>;

/** How an assessment ended: `cause` is what a component threw, absent where none did. */
export interface Ending {
  readonly sessionId: string;
  readonly cause?: Error;
}

@Injectable()
export class Pipeline {
  constructor(
    private readonly sessions: SessionService,
    private readonly requirement: RequirementComponent,
    private readonly search: SearchComponent,
    private readonly modules: ModulesComponent,
    private readonly effort: EffortComponent,
    private readonly stories: StoriesComponent,
    private readonly codeImpact: CodeImpactComponent,
    private readonly risks: RisksComponent,
  ) {}

  /** Assesses one requirement in a session of its own, which ends as `completed` or as `error`. */
  async assess(text: string, path: string, progress: Progress): Promise<Ending> {
    const labels = { repository: basename(resolve(path)) };
    const { session_id: sessionId } = await this.sessions.process({ labels });
    await progress(sessionId);
    try {
      await this.run(sessionId, text, path, progress);
      return { sessionId };
    } catch (error) {
      return { sessionId, cause: error as Error };
    } finally {
      await progress(sessionId);
    }
  }

  private async run(sessionId: string, text: string, path: string, progress: Progress): Promise<void> {
    const step = async <Req extends { sessionId: string }, Res>(
      component: BaseComponent<Req, Res>,
      request: Omit<Req, 'sessionId'>,
    ): Promise<Res> => {
      const answer = await this.orFail(component, { ...request, sessionId } as Req);
      await progress(sessionId);
      return answer;
    };
    const actor = 'pipeline';

    const requirement = await step(this.requirement, { text });
    const { repository, selected } = await step(this.search, { requirement, path });
    await this.sessions.updateStatus(sessionId, 'generating_impact', { actor });
    const modules = await step(this.modules, { repository, selected });
    const hours = await step(this.effort, { repository, selected });
    await step(this.stories, { modules, hours });
    const impacted = await step(this.codeImpact, { repository, selected });
    await step(this.risks, { repository, impacted });
    await this.sessions.updateStatus(sessionId, 'completed', { actor });
  }

  /** What a component throws ends the session, in that component's name, and is thrown on. */
  private async orFail<Req extends { sessionId: string }, Res>(
    component: BaseComponent<Req, Res>,
    request: Req,
  ): Promise<Res> {
    try {
      return await component.process(request);
    } catch (error) {
      // What keeps the failure from being recorded must not hide it.
      await this.sessions
        .fail(request.sessionId, error, { actor: component.componentName })
        .catch(() => undefined);
      throw error;
    }
  }
}
