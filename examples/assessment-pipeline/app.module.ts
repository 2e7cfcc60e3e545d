/**
 * Composition: the session component over a data folder, the seven components that report through it, and the
 * pipeline that runs them.
 */

import { type DynamicModule, Module } from '@nestjs/common';
import { SessionModule } from 'impact-session';
import { CodeImpactModule } from './code-impact/code-impact.module.js';
import { EffortModule } from './effort/effort.module.js';
import { ModulesModule } from './modules/modules.module.js';
import { Pipeline } from './pipeline.js';
import { RequirementModule } from './requirement/requirement.module.js';
import { RisksModule } from './risks/risks.module.js';
import { SearchModule } from './search/search.module.js';
import { StoriesModule } from './stories/stories.module.js';
import { Timeline } from './timeline.js';

@Module({
  imports: [
    RequirementModule,
    SearchModule,
    ModulesModule,
    EffortModule,
    StoriesModule,
    CodeImpactModule,
    RisksModule,
  ],
  providers: [Pipeline, Timeline],
})
export class AppModule {}

/**
 * The application over a data folder, which one process at a time may hold. `isGlobal` lets every component's
 * module inject `SessionService`; there is no server here, so no routes.
 */
export function applicationOver(data: string): DynamicModule {
  const sessions = SessionModule.forRoot({
    store: { kind: 'file', path: data },
    isGlobal: true,
    routes: false,
  });
  return { module: AppModule, imports: [sessions] };
}
