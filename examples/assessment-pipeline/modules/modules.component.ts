/**
 * Names the folders that the selected commits touched, weighed by the lines they changed there.
 */

import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { type Commit, changesCommand } from '../git-history.js';
import type { ImpactRequest } from '../impact-request.js';
import { counted } from '../wording.js';

export interface TouchedModule {
  /** The folder that the files lie in; `.` is the repository's own. */
  readonly folder: string;
  readonly files: number;
  readonly lines: number;
  /** Per cent of all lines that the selected commits changed, to one decimal. */
  readonly share: number;
}

const SHOWN = 30;
const NAMED = 3;

@Injectable()
export class ModulesComponent extends BaseComponent<ImpactRequest, readonly TouchedModule[]> {
  readonly componentName = 'modules';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override async process({ sessionId, repository, selected }: ImpactRequest) {
    return this.sessions.measure(
      sessionId,
      'modules',
      async () => weighModules(await repository.changes(selected)),
      {
        actor: this.componentName,
        step: 'modules_generated',
        output: (modules) => describe(modules, selected),
      },
    );
  }
}

/** Heaviest first; of equals by name. */
function weighModules(commits: readonly Commit[]): TouchedModule[] {
  const changes = commits.flatMap(({ files }) => files);
  const total = changes.reduce((sum, { lines }) => sum + lines, 0);
  const folders = [...new Set(changes.map(({ path }) => posix.dirname(path)))];
  return folders
    .map((folder) => {
      const inside = changes.filter(({ path }) => posix.dirname(path) === folder);
      const lines = inside.reduce((sum, change) => sum + change.lines, 0);
      const files = new Set(inside.map(({ path }) => path)).size;
      return { folder, files, lines, share: total === 0 ? 0 : Math.round((1000 * lines) / total) / 10 };
    })
    .sort((one, other) => other.lines - one.lines || (one.folder < other.folder ? -1 : 1));
}

function describe(modules: readonly TouchedModule[], selected: readonly string[]) {
  const lines = modules.reduce((sum, module) => sum + module.lines, 0);
  const named = modules.slice(0, NAMED).map(({ folder, share }) => `${folder} ${share} %`);
  return {
    finding: `${counted(modules.length, 'folder')}, ${counted(lines, 'line')}: ${named.join(', ')}`,
    folders: modules.length,
    lines,
    modules: modules.slice(0, SHOWN),
    trace: changesCommand(selected),
  };
}
