/**
 * The version of this package, from its package.json.
 */

import { createRequire } from 'node:module';

export const version: string = createRequire(import.meta.url)('impact-session/package.json').version;
