/**
 * Splits the work by module: one story for each folder that matters, one for all the others together.
 */

import { Injectable } from '@nestjs/common';
import { BaseComponent, SessionService } from 'impact-session';
import { HOURS_PER_POINT, storyPoints } from '../effort/estimate.js';
import type { TouchedModule } from '../modules/modules.component.js';
import { counted } from '../wording.js';

export interface StoriesRequest {
  readonly sessionId: string;
  readonly modules: readonly TouchedModule[];
  readonly hours: number;
}

export interface Story {
  readonly title: string;
  readonly folders: number;
  readonly lines: number;
  readonly hours: number;
  readonly story_points: number;
}

/** At most this many folders get a story of their own, and none with less than this share of the lines. */
const OWN_STORIES = 6;
const LEAST_SHARE = 5;

@Injectable()
export class StoriesComponent extends BaseComponent<StoriesRequest, readonly Story[]> {
  readonly componentName = 'stories';

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override async process({ sessionId, modules, hours }: StoriesRequest) {
    return this.sessions.measure(sessionId, 'stories', () => splitByModule(modules, hours), {
      actor: this.componentName,
      step: 'stories_generated',
      output: describe,
    });
  }
}

function splitByModule(modules: readonly TouchedModule[], totalHours: number): Story[] {
  const total = linesOf(modules);
  const own = modules.slice(0, OWN_STORIES).filter(({ share }) => share >= LEAST_SHARE);
  const others = modules.slice(own.length);
  const story = (title: string, part: readonly TouchedModule[]): Story => {
    const lines = linesOf(part);
    const hours = total === 0 ? 0 : Math.round((10 * totalHours * lines) / total) / 10;
    return { title, folders: part.length, lines, hours, story_points: storyPoints(hours) };
  };
  return [
    ...own.map((module) => story(titleOf(module), [module])),
    ...(others.length > 0 ? [story('Change the other folders', others)] : []),
  ];
}

function titleOf({ folder }: TouchedModule): string {
  return folder === '.' ? 'Change the top folder' : `Change ${folder}`;
}

function linesOf(modules: readonly TouchedModule[]): number {
  return modules.reduce((sum, { lines }) => sum + lines, 0);
}

function describe(stories: readonly Story[]) {
  const points = stories.reduce((sum, story) => sum + story.story_points, 0);
  const named = stories.map(({ title, story_points }) => `${title} (${story_points})`);
  return {
    finding: `${counted(stories.length, 'story', 'stories')}, ${counted(points, 'point')}: ${named.join(', ')}`,
    total_story_points: points,
    hours_per_point: HOURS_PER_POINT,
    stories,
  };
}
