/**
 * What turns the modules into our server: its front, the prefix, OpenAPI, filters. main.ts and the end-to-end tests
 * call the same function.
 */

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Logger } from 'pino';
import { AppFilter, routeTable } from './app.filter.js';
import { setUpFront } from './app.front.js';
import type { Config } from './config.js';
import { version } from './version.js';

/** Where the routes are described; the description does not name itself. */
const PAGES = ['docs', 'docs-json', 'docs-yaml'];

export function setUpApp(app: INestApplication, config: Config, logger: Logger): void {
  setUpFront(app.getHttpServer(), config, logger);
  if (config.apiPrefix) app.setGlobalPrefix(config.apiPrefix);
  const document = SwaggerModule.createDocument(app, description());
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs-json', useGlobalPrefix: true });
  const pages = PAGES.map((page) => [`${config.apiPrefix}/${page}`, { get: {} }]);
  const routes = routeTable({ ...document.paths, ...Object.fromEntries(pages) });
  app.useGlobalFilters(new AppFilter(app.getHttpAdapter(), routes));
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
