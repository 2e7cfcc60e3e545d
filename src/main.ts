/**
 * Starts the server and listens. Whatever keeps it from starting is told in lines that say what to do.
 */

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { AdapterMissingError, loadAdapter } from './app.adapter.js';
import { appModule } from './app.module.js';
import { setUpApp } from './app.setup.js';
import { stopOnSignal } from './app.stop.js';
import { ConfigError, loadConfig } from './config.js';
import { createLogger, NestLog } from './logger.js';
import { StoreOpenError } from './session/index.js';
import { shownAddress } from './session/store/database-address.js';
import { version } from './version.js';

type ListenError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

/** The addresses that only this machine reaches. */
const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;
const EXPOSED = 'whoever reaches this address can read and change every session';

async function start(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger(config.logLevel);
  const options = { logger: new NestLog(logger), bodyParser: false, abortOnError: false };
  const adapter = await loadAdapter(config.httpAdapter);
  const app = await NestFactory.create(appModule(config), adapter, options);
  try {
    setUpApp(app, config, logger);
    await app.listen(config.port, config.host);
  } catch (error) {
    await app.close();
    throw error;
  }
  stopOnSignal(app, logger, config.store === 'postgres' ? 'in the database' : 'on the disk');
  const { address, family, port } = (app.getHttpServer() as Server).address() as AddressInfo;
  if (!LOOPBACK.test(address))
    logger.warn(`HOST=${config.host} lets other machines in, and there is no authentication yet: ${EXPOSED}`);
  // Not Nest's `getUrl`, which calls every address of a machine a local one and so hides who can reach it.
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${config.apiPrefix}`;
  const what = `impact-session ${version} on ${config.httpAdapter}`;
  const { databaseUrl, dataSessionsPath } = config;
  const from = databaseUrl === undefined ? dataSessionsPath : shownAddress(databaseUrl);
  logger.info(`${what} serves ${url} from ${from}; routes: ${url}/docs`);
}

/** The lines that tell an operator why the server does not start; `undefined` for what nobody foresaw. */
function explain(error: unknown): readonly string[] | undefined {
  if (error instanceof ConfigError) return error.faults;
  if (error instanceof StoreOpenError || error instanceof AdapterMissingError) return [error.message];
  const { code, syscall, address, port } = error as ListenError;
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined;
  const where = `${address}:${port}`;
  if (code === 'EADDRINUSE')
    return [`The address ${where} is taken: stop what listens there, or set PORT to another one`];
  if (code === 'EACCES')
    return [`The address ${where} may not be used by this user: set PORT to one above 1023`];
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return ['HOST is no address of this machine: set it to 127.0.0.1, or to 0.0.0.0 for all of them'];
  return undefined;
}

start().catch((error: unknown) => {
  const lines = explain(error) ?? [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  for (const line of lines) process.stderr.write(`impact-session: ${line}\n`);
  process.exitCode = 1;
});
