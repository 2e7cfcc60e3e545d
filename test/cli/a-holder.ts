/** Another process that has a data folder open, as a server has; its disk answers late when stock is taken. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach } from '@jest/globals';

const DIST = `${process.cwd()}/dist/session/store/file`;

export interface Holder {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  /** Resolves when it has said so, be it before. */
  says(text: string): Promise<void>;
}

/** On SIGTERM it closes its store. What it is told to be slow takes so many milliseconds for each day folder. */
const program = (path: string, slowMs: number) => `
  import { setTimeout as pause } from 'node:timers/promises';
  import { FileStore } from '${DIST}/file-store.js';
  import { systemFiles } from '${DIST}/system-files.js';
  const opendir = (path) => pause(${slowMs}).then(() => systemFiles.opendir(path));
  const files = { ...systemFiles, opendir };
  const store = await FileStore.open({ path: ${JSON.stringify(path)}, files, inform: console.log });
  process.on('SIGTERM', () => store.close().then(() => process.exit()));
  console.log('open');
  setInterval(() => {}, 1_000);
`;

const started: Holder[] = [];

afterEach(async () => {
  for (const holder of started) holder.process.kill('SIGKILL');
  await Promise.all(started.splice(0).map(({ ended }) => ended));
});

/** @param slowMs how long it looks for each day folder when it takes stock */
export async function startHolder(path: string, slowMs: number): Promise<Holder> {
  const args = ['--input-type=module', '-e', program(path, slowMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const says = async (text: string) => {
    while (!said.includes(text)) await once(child.stdout, 'data');
  };
  const holder = { process: child, ended: once(child, 'exit'), says };
  started.push(holder);
  await says('open');
  return holder;
}
