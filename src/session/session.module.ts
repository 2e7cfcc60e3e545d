/**
 * The component as a Nest module, and the only place that names concrete stores.
 */

import { randomUUID } from 'node:crypto';
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Logger,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { ASSESSMENT_LIFECYCLE, defineLifecycle } from './domain/lifecycle.js';
import { SessionController } from './session.controller.js';
import {
  SESSION_MODULE_OPTIONS,
  SESSION_SERVICE_OPTIONS,
  type SessionModuleOptions,
  type SessionServiceOptions,
} from './session.options.js';
import { SessionService } from './session.service.js';
import { FileStore } from './store/file/file-store.js';
import { SessionStore } from './store/session-store.js';
import { assertStoreChoice } from './store-choice.js';

/** What has to be known before the module's options are. */
export interface SessionModuleExtras {
  /** Whether every module can inject `SessionService` without importing this one. Default `false`. */
  readonly isGlobal?: boolean;
  /** `false` leaves the REST routes out. Default `true`. */
  readonly routes?: boolean;
}

export interface SessionModuleAsyncOptions
  extends SessionModuleExtras,
    Pick<ModuleMetadata, 'imports'>,
    Pick<FactoryProvider<SessionModuleOptions>, 'inject' | 'useFactory'> {}

/**
 * Provides `SessionService`, and the REST routes. The store is opened while the application starts, so that a
 * folder which cannot be used stops it there (`StoreOpenError`), and closed when the application is closed.
 */
@Module({})
export class SessionModule implements OnApplicationShutdown {
  constructor(
    private readonly store: SessionStore,
    @Inject(SESSION_MODULE_OPTIONS) private readonly options: SessionModuleOptions,
  ) {}

  static forRoot(options: SessionModuleOptions & SessionModuleExtras): DynamicModule {
    return dynamicModule(options, [], { provide: SESSION_MODULE_OPTIONS, useValue: options });
  }

  static forRootAsync(options: SessionModuleAsyncOptions): DynamicModule {
    const { inject = [], useFactory, imports = [] } = options;
    return dynamicModule(options, imports, { provide: SESSION_MODULE_OPTIONS, inject, useFactory });
  }

  /** Comes after the server has answered its last request. A store that was handed in is its owner's to close. */
  async onApplicationShutdown(): Promise<void> {
    if (!(this.options.store instanceof SessionStore)) await this.store.close();
  }
}

function dynamicModule(
  { isGlobal = false, routes = true }: SessionModuleExtras,
  imports: NonNullable<ModuleMetadata['imports']>,
  options: Provider,
): DynamicModule {
  return {
    module: SessionModule,
    global: isGlobal,
    imports,
    controllers: routes ? [SessionController] : [],
    providers: [
      options,
      { provide: SessionStore, inject: [SESSION_MODULE_OPTIONS], useFactory: openStore },
      { provide: SESSION_SERVICE_OPTIONS, inject: [SESSION_MODULE_OPTIONS], useFactory: serviceOptions },
      SessionService,
    ],
    exports: [SessionService],
  };
}

async function openStore({ store }: SessionModuleOptions): Promise<SessionStore> {
  if (store instanceof SessionStore) return store;
  assertStoreChoice(store);
  const log = new Logger(store.kind === 'postgres' ? 'PostgresStore' : 'FileStore');
  const warn = (message: string, cause: unknown) => log.warn(`${message} (${String(cause)})`);
  if (store.kind === 'file') return FileStore.open({ ...store, warn, inform: (message) => log.log(message) });
  // Not at the top: who keeps sessions in a folder need not wait for a database's driver to be loaded.
  const { PostgresStore } = await import('./store/postgres/postgres-store.js');
  const opened = await PostgresStore.open({ ...store, warn });
  // A folder that cannot be written to is not opened; a database may be there to be read.
  const { writable, reason } = await opened.health();
  if (!writable) log.warn(`nothing can be written: ${reason}`);
  return opened;
}

function serviceOptions(options: SessionModuleOptions): SessionServiceOptions {
  return {
    lifecycle: defineLifecycle(options.lifecycle ?? ASSESSMENT_LIFECYCLE),
    now: options.now ?? (() => new Date()),
    // A UUID begins with random digits, and Node draws for many at once.
    randomSuffix: options.randomSuffix ?? (() => randomUUID().slice(0, 6)),
  };
}
