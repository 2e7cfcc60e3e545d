/**
 * The configuration: what holds when nothing is set, every variable, and that an operator is told all mistakes at
 * once. Also that .env.example is what it says: every variable with its default.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../src/config.js';

const DEFAULTS = {
  host: '127.0.0.1',
  port: 8000,
  httpAdapter: 'express',
  apiPrefix: '',
  corsOrigins: [],
  store: 'file',
  databaseUrl: undefined,
  databasePoolSize: 10,
  dataSessionsPath: 'data/sessions',
  legacyTimeZone: 'UTC',
  logLevel: 'info',
  allowNetworkFilesystem: false,
};

/** For each variable: a value, the member of the configuration that it becomes, and that member's value. */
const READ = [
  ['HOST', '0.0.0.0', 'host', '0.0.0.0'],
  ['PORT', '0', 'port', 0],
  ['PORT', '65535', 'port', 65_535],
  ['HTTP_ADAPTER', 'fastify', 'httpAdapter', 'fastify'],
  ['HTTP_ADAPTER', 'express', 'httpAdapter', 'express'],
  ['API_PREFIX', '/api/v1', 'apiPrefix', '/api/v1'],
  ['CORS_ORIGINS', '*', 'corsOrigins', ['*']],
  ['CORS_ORIGINS', 'https://a.example.com', 'corsOrigins', ['https://a.example.com']],
  [
    'CORS_ORIGINS',
    'https://a.example.com, http://localhost:3000',
    'corsOrigins',
    ['https://a.example.com', 'http://localhost:3000'],
  ],
  ['STORE', 'file', 'store', 'file'],
  // Of another program, as long as the store is a folder.
  ['DATABASE_URL', 'mysql://db.example.com/s', 'databaseUrl', undefined],
  ['DATABASE_POOL_SIZE', '1000', 'databasePoolSize', 1_000],
  ['DATA_SESSIONS_PATH', '/srv/sessions', 'dataSessionsPath', '/srv/sessions'],
  ['LEGACY_TIME_ZONE', 'Europe/Berlin', 'legacyTimeZone', 'Europe/Berlin'],
  ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ['LOG_LEVEL', 'debug', 'logLevel', 'debug'],
  ['ALLOW_NETWORK_FILESYSTEM', 'true', 'allowNetworkFilesystem', true],
  ['ALLOW_NETWORK_FILESYSTEM', 'false', 'allowNetworkFilesystem', false],
] as const;

const REFUSED = {
  PORT: ['65536', '-1', '80.5', 'http', '1e3', '0x50', ' 80', '123456'],
  HTTP_ADAPTER: ['Fastify', 'koa', 'express,fastify', 'constructor'],
  API_PREFIX: ['api', '/', '/api/', 'api/v1', '/api//v1', '/a b', '/:id', '/api?x', '/*'],
  CORS_ORIGINS: [
    'example.com',
    'https://a.example.com/',
    'https://a.example.com/app',
    ',',
    'https://a.com,*',
    'null',
  ],
  STORE: ['File', 'postgresql', 'memory', 'toString'],
  DATABASE_POOL_SIZE: ['0', '-1', '1001', 'many', '1.5'],
  LEGACY_TIME_ZONE: ['Berlin', 'Europe/Nowhere', 'CET+1'],
  LOG_LEVEL: ['loud', 'INFO', '30', 'toString'],
  ALLOW_NETWORK_FILESYSTEM: ['yes', '1', 'TRUE', 'on'],
};

const VARIABLES = [...new Set(READ.map(([variable]) => variable))];

function faultsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
  return [];
}

test('an environment that says nothing gives the defaults', () => {
  expect(readConfig({})).toEqual(DEFAULTS);
  expect(readConfig({ PATH: '/usr/bin', HOME: '/home/a' })).toEqual(DEFAULTS);
});

test.each(READ)('%s=%s is read', (variable, value, member, expected) => {
  expect(readConfig({ [variable]: value })).toEqual({ ...DEFAULTS, [member]: expected });
});

test.each(VARIABLES)('%s without a value is as if it were not set', (variable) => {
  expect(readConfig({ [variable]: '' })).toEqual(DEFAULTS);
  expect(readConfig({ [variable]: undefined })).toEqual(DEFAULTS);
});

describe.each(Object.entries(REFUSED))('%s', (variable, values) => {
  test.each(values)('"%s" is refused by a line that names it and says what it should be', (value) => {
    expect(faultsOf({ [variable]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${variable} should be [^\\n]+, not "`)),
    ]);
    expect(faultsOf({ [variable]: value })[0]).toContain(`not "${value}"`);
  });
});

test.each([
  'db.example.com',
  'mysql://u:secret@db/s',
  'postgres://u:secret@[',
  'postgres:u:secret@db',
  'postgres://u:secret@db',
  'postgres://u:secret@db:5432/?sslmode=require',
])('DATABASE_URL=%s is refused by a line that does not repeat it: it may hold a password', (value) => {
  const faults = faultsOf({ STORE: 'postgres', DATABASE_URL: value });
  expect(faults).toEqual([expect.stringMatching(/^DATABASE_URL should be like postgres:\/\/[^\n]+$/)]);
  expect(faults[0]).not.toContain('secret');
});

test('STORE=postgres needs DATABASE_URL, and takes it', () => {
  expect(faultsOf({ STORE: 'postgres' })).toEqual([expect.stringMatching(/^DATABASE_URL is missing/)]);
  const databaseUrl = 'postgres://localhost/sessions';
  const config = readConfig({ STORE: 'postgres', DATABASE_URL: databaseUrl });
  expect(config).toEqual({ ...DEFAULTS, store: 'postgres', databaseUrl });
  expect(faultsOf({ STORE: 'postgres', DATABASE_URL: 'none', PORT: 'none' })).toHaveLength(2);
});

test('every mistake is told at once, each in one line', () => {
  const wrong = Object.fromEntries(Object.entries(REFUSED).map(([variable, [value]]) => [variable, value]));
  const faults = faultsOf(wrong);
  expect(faults.map((line) => line.split(' ')[0]).sort()).toEqual(Object.keys(REFUSED).sort());
  for (const line of faults) expect(line).not.toContain('\n');
});

test('a value of several lines is told in one', () => {
  expect(faultsOf({ LOG_LEVEL: 'a\nb' })).toEqual([expect.stringMatching(/^LOG_LEVEL .+$/)]);
});

test('what was read can no longer be changed', () => {
  const config = readConfig({ CORS_ORIGINS: 'https://a.example.com' });
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.corsOrigins)).toBe(true);
  expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
});

test('what the driver would pass over in PGSSLMODE is refused, where there is a database', () => {
  const database = { STORE: 'postgres', DATABASE_URL: 'postgres://host/database' };
  for (const PGSSLMODE of ['Require', 'verify-fulll'])
    expect(() => readConfig({ ...database, PGSSLMODE })).toThrow(/^PGSSLMODE should be one of disable, /);
  expect(readConfig({ ...database, PGSSLMODE: 'verify-full' })).toMatchObject({ store: 'postgres' });
  expect(readConfig({ PGSSLMODE: 'of another program' })).toMatchObject({ store: 'file' });
});

describe('.env.example', () => {
  /** What the file sets, also in lines that are commented out. */
  const set = () =>
    readFileSync(join(process.cwd(), '.env.example'), 'utf8')
      .split('\n')
      .flatMap((line) => [...line.matchAll(/^(?:# ?)?([A-Z][A-Z_]+)=(.*)$/g)])
      .map(([, variable, value]) => [variable as string, value as string] as const);

  test('names every variable, each once', () => {
    expect(
      set()
        .map(([variable]) => variable)
        .sort(),
    ).toEqual([...VARIABLES].sort());
  });

  test('sets each to its default', () => {
    expect(readConfig(Object.fromEntries(set()))).toEqual(DEFAULTS);
    expect(readConfig({})).toEqual(DEFAULTS);
  });

  test('is about the variables that config.ts knows', () => {
    const source = readFileSync(join(process.cwd(), 'src/config.ts'), 'utf8');
    const known = [...source.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, variable]) => variable);
    expect(known.sort()).toEqual([...VARIABLES].sort());
  });
});
