/**
 * The composition root of the ready-to-run server: which modules it consists of, and what they are told.
 */

import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config.js';
import { SessionModule } from './session/index.js';

@Module({})
export class AppModule {}

export function appModule(config: Config): DynamicModule {
  const { dataSessionsPath: path, legacyTimeZone, allowNetworkFilesystem } = config;
  const store = { kind: 'file' as const, path, legacyTimeZone, allowNetworkFilesystem };
  return { module: AppModule, imports: [SessionModule.forRoot({ store })] };
}
