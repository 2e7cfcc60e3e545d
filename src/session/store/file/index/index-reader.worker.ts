/**
 * The thread of index-reader.ts: answers one question after another.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { IndexQueries } from './index-queries.js';
import type { Question, Reply } from './index-reader.js';

const queries = new IndexQueries(workerData as string);

function reply(answer: Reply): void {
  parentPort?.postMessage(answer);
}

parentPort?.on('message', (question: Question) => {
  if (question.ask === 'close') {
    queries.close();
    parentPort?.close();
    return;
  }
  const { number } = question;
  try {
    const found = question.ask === 'list' ? queries.list(question.about) : queries.stats(question.about);
    reply({ number, found });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    reply({ number, failure: { message, code } });
  }
});
