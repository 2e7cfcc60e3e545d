/** The README's code blocks, for the tests that keep them true. */

import { readFileSync } from 'node:fs';

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** All fenced blocks, in order. */
export function readmeBlocks(): Block[] {
  const readme = readFileSync('README.md', 'utf8');
  return [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    language: language as string,
    text: text as string,
  }));
}
