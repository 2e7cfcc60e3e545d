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

export function setUpApp(app: INestApplication, config: Config, logger: Logger): void {
  setUpFront(app.getHttpServer(), config, logger);
  if (config.apiPrefix) app.setGlobalPrefix(config.apiPrefix);
  const document = SwaggerModule.createDocument(app, description());
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs-json', useGlobalPrefix: true });
  app.useGlobalFilters(new AppFilter(app.getHttpAdapter(), routeTable(document.paths)));
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
