/** On what and of what was measured, without names and paths of the machine: a figure says nothing without it. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { resolve } from 'node:path';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly node: string;
  readonly kernel: string;
  readonly filesystem: string;
}

export function machine(folder: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory_gb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    kernel: `${type()} ${release()}`,
    filesystem: filesystemOf(resolve(folder)),
  };
}

/** The commit that is measured, with a plus where files were changed since; `unknown` outside of a clone. */
export function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** The type of what is mounted nearest above a folder. */
function filesystemOf(folder: string): string {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const above = mounts.filter(([, place]) => place !== undefined && isAbove(place, folder));
    const nearest = above.reduce((best, mount) => (length(mount) >= length(best) ? mount : best));
    return nearest[2] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function isAbove(place: string, folder: string): boolean {
  return folder === place || folder.startsWith(place.endsWith('/') ? place : `${place}/`);
}

function length([, place = '']: readonly string[]): number {
  return place.length;
}
