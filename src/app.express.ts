/**
 * All that is particular to Express. It is the pattern for how paths are compared: app.fastify.ts does as it does.
 */

import { ExpressAdapter } from '@nestjs/platform-express';
import { parseQuery } from './app.query.js';

export function createAdapter(): ExpressAdapter {
  const adapter = new ExpressAdapter();
  // Revisions are the ETags here; Express would add its own to everything else.
  adapter.set('etag', false);
  adapter.set('x-powered-by', false);
  adapter.set('query parser', parseQuery);
  // What the client has already, session.etag.ts knows; Express would answer `If-None-Match: *` with 304 everywhere.
  Object.defineProperty(adapter.getInstance().request, 'fresh', { value: false });
  return adapter;
}
