/**
 * All that is particular to Express. It is the pattern for how paths are compared: app.fastify.ts does as it does.
 */

import { ExpressAdapter } from '@nestjs/platform-express';

export function createAdapter(): ExpressAdapter {
  const adapter = new ExpressAdapter();
  // Revisions are the ETags here; Express would add its own to everything else.
  adapter.set('etag', false);
  adapter.set('x-powered-by', false);
  return adapter;
}
