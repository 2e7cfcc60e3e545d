/**
 * The composition root of the ready-to-run server: which modules it consists of, and what they are told.
 */

import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config.js';
import { SessionModule, type StoreChoice } from './session/index.js';

@Module({})
export class AppModule {}

export function appModule(config: Config): DynamicModule {
  return { module: AppModule, imports: [SessionModule.forRoot({ store: storeOf(config) })] };
}

function storeOf(config: Config): StoreChoice {
  if (config.store === 'postgres')
    return { kind: 'postgres', url: config.databaseUrl ?? '', poolSize: config.databasePoolSize };
  const { dataSessionsPath: path, legacyTimeZone, allowNetworkFilesystem } = config;
  return { kind: 'file', path, legacyTimeZone, allowNetworkFilesystem };
}
