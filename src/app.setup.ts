/**
 * What turns the modules into our server: bodies, filters, CORS, prefix, OpenAPI. main.ts and the end-to-end tests
 * call the same function.
 */

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Logger } from 'pino';
import { readBodies } from './app.body.js';
import { AppFilter, routeTable } from './app.filter.js';
import type { Config } from './config.js';
import { requestLog } from './logger.js';
import { version } from './version.js';

const EXPOSED_HEADERS = ['ETag', 'Retry-After', 'x-request-id'];

export function setUpApp(app: INestApplication, config: Config, logger: Logger): void {
  const express: { set(name: string, value: boolean): unknown } = app.getHttpAdapter().getInstance();
  // Revisions are the ETags here; Express would add its own to everything else.
  express.set('etag', false);
  express.set('x-powered-by', false);
  app.use(requestLog(logger));
  if (config.corsOrigins.length > 0) {
    const origin = config.corsOrigins.includes('*') ? '*' : [...config.corsOrigins];
    app.enableCors({ origin, exposedHeaders: EXPOSED_HEADERS });
  }
  if (config.apiPrefix) serveUnder(app, config.apiPrefix);
  readBodies(app);
  const document = SwaggerModule.createDocument(app, description());
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs-json', useGlobalPrefix: true });
  app.useGlobalFilters(new AppFilter(app.getHttpAdapter(), routeTable(document.paths)));
}

/** Puts a prefix before every route. What lies outside it never reaches Nest, whose answer would not be ours. */
function serveUnder(app: INestApplication, prefix: string): void {
  app.setGlobalPrefix(prefix);
  app.use((request: { url: string }, response: unknown, next: () => void) => {
    if (request.url.startsWith(`${prefix}/`)) next();
    else app.getHttpAdapter().reply(response, { detail: 'Not Found' }, 404);
  });
}

function description() {
  return new DocumentBuilder()
    .setTitle('impact-session')
    .setDescription(
      'The life of an impact-assessment run: its status, its steps, its timings, and the trail of all that. ' +
        'Errors are `{"detail": …}`; times are RFC 3339, UTC, milliseconds.',
    )
    .setVersion(version)
    .build();
}
