/** `npm run bench:tables`: writes the figures of the last full runs into the documents. */

import { readFileSync, writeFileSync } from 'node:fs';
import { DOCUMENTS, renewed } from './report/documents.js';

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const results = { file: read('bench/results.json'), postgres: read('bench/results-postgres.json') };

for (const document of DOCUMENTS) {
  const before = readFileSync(document, 'utf8');
  const after = renewed(document, before, results);
  if (after !== before) writeFileSync(document, after);
  process.stdout.write(`${document}: ${after === before ? 'as it was' : 'written'}\n`);
}
