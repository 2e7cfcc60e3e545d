/**
 * Which HTTP adapter Nest runs on. What is particular to one stands in its own file, app.express.ts or app.fastify.ts,
 * which is loaded only when it is chosen; nobody else knows either.
 */

import type { AbstractHttpAdapter } from '@nestjs/core';
import type { HttpAdapterName } from './config.js';

/** What has to be installed for each adapter. */
const PACKAGES = {
  express: '@nestjs/platform-express',
  fastify: '@nestjs/platform-fastify @fastify/static',
} as const;

/** The adapter that was chosen is not installed; the message says how to. */
export class AdapterMissingError extends Error {
  constructor(name: HttpAdapterName, cause: unknown) {
    const install = `npm install ${PACKAGES[name]}`;
    super(`HTTP_ADAPTER=${name} needs what is not installed: ${install}, or choose another`, { cause });
    this.name = 'AdapterMissingError';
  }
}

/** @throws AdapterMissingError */
export async function loadAdapter(name: HttpAdapterName): Promise<AbstractHttpAdapter> {
  try {
    const { createAdapter } = await (name === 'fastify'
      ? import('./app.fastify.js')
      : import('./app.express.js'));
    return createAdapter();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ERR_MODULE_NOT_FOUND' ? new AdapterMissingError(name, error) : error;
  }
}
