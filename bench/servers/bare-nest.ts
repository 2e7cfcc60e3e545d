/**
 * The floor of HTTP: a Nest application with the routes that are measured, which answer a constant. Nest, its adapter,
 * routing and JSON, and for a creation the same DTO and the same check of it; no log, no store, no disk. Beside a database the
 * one statement that the request needs, with values that were made before.
 */

import { Body, Controller, Get, HttpCode, Module, Param, Post, UsePipes } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { SessionCreateRequest } from '../../dist/session/session.dto.js';
import { SessionValidationPipe } from '../../dist/session/session.pipe.js';
import { PlainDatabase } from '../postgres/plain-database.js';

const {
  BENCH_ADAPTER = 'express',
  BENCH_ANSWER = '{}',
  BENCH_DATABASE,
  PORT,
  HOST = '127.0.0.1',
} = process.env;
const answer: { readonly session_id?: string } = JSON.parse(BENCH_ANSWER);
const database = BENCH_DATABASE ? new PlainDatabase(BENCH_DATABASE) : undefined;
const template = await database?.template(answer.session_id ?? '');
/** Not in the text of an import: the package need not be there where Express is measured. */
const FASTIFY: string = '@nestjs/platform-fastify';

@Controller('session')
@UsePipes(SessionValidationPipe)
class ConstantController {
  @Post('create')
  @HttpCode(200)
  create(@Body() _request: SessionCreateRequest): unknown {
    return database && template ? database.create(template).then(() => answer) : answer;
  }

  @Get(':session_id')
  get(@Param('session_id') id: string): unknown {
    return database ? database.get(id).then(() => answer) : answer;
  }
}

@Module({ controllers: [ConstantController] })
class BareModule {}

async function adapter(): Promise<AbstractHttpAdapter> {
  if (BENCH_ADAPTER === 'express') {
    const express = new ExpressAdapter();
    // The product does without them, too: with them the floor would be slower than it has to be.
    for (const header of ['etag', 'x-powered-by']) express.set(header, false);
    return express;
  }
  const { FastifyAdapter } = (await import(FASTIFY)) as { FastifyAdapter: new () => AbstractHttpAdapter };
  return new FastifyAdapter();
}

const app = await NestFactory.create(BareModule, await adapter(), { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(Number(PORT), HOST);
