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

/** The text of the one block in this language that has `part` in it. */
export function readmeBlock(language: string, part: string): string {
  const found = readmeBlocks().filter((block) => block.language === language && block.text.includes(part));
  if (found.length !== 1)
    throw new Error(`README.md has ${found.length} blocks in ${language} with ${part}, not one`);
  return found[0]!.text;
}
