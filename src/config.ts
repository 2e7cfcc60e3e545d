/**
 * The configuration of the ready-to-run server: the only reader of the environment, and of the `.env` file in the
 * working folder. Every fault is listed at once, by its variable.
 */

import { z } from 'zod';
import { DATABASE_ADDRESS, isDatabaseAddress, TLS_MODES } from './session/store/database-address.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const HTTP_ADAPTERS = ['express', 'fastify'] as const;
const STORES = ['file', 'postgres'] as const;

/** Variables whose values are told to nobody. */
const SECRET = new Set(['DATABASE_URL']);

const isTlsMode = text((mode) => TLS_MODES.includes(mode), `should be one of ${TLS_MODES.join(', ')}`);
/** The database driver's own. */
const ofDriver = { PGSSLMODE: isTlsMode.optional() };

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: text(isPort, 'should be a whole number from 0 to 65535').transform(Number).default(8000),
  HTTP_ADAPTER: text(isHttpAdapter, `should be one of ${HTTP_ADAPTERS.join(', ')}`)
    .transform((name) => name as HttpAdapterName)
    .default('express'),
  API_PREFIX: text(
    isPrefix,
    'should be like /api/v1: with a slash before each part and none at the end',
  ).default(''),
  CORS_ORIGINS: text(isOriginList, 'should be * or origins like https://app.example.com, separated by commas')
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .default([]),
  STORE: text(isStore, `should be one of ${STORES.join(', ')}`)
    .transform((name) => name as StoreName)
    .default('file'),
  DATABASE_URL: text(isDatabaseAddress, `should be ${DATABASE_ADDRESS}`).optional(),
  DATABASE_POOL_SIZE: text(isPoolSize, 'should be a whole number from 1 to 1000')
    .transform(Number)
    .default(10),
  ...ofDriver,
  DATA_SESSIONS_PATH: z.string().default('data/sessions'),
  LEGACY_TIME_ZONE: text(isTimeZone, 'should be an IANA time zone like Europe/Berlin').default('UTC'),
  LOG_LEVEL: text(isLogLevel, `should be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  ALLOW_NETWORK_FILESYSTEM: text(isBoolean, 'should be true or false')
    .transform((flag) => flag === 'true')
    .default(false),
});

export type StoreName = (typeof STORES)[number];
export type HttpAdapterName = (typeof HTTP_ADAPTERS)[number];

export interface Config {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** On what Nest runs. The answers are the same. */
  readonly httpAdapter: HttpAdapterName;
  /** Empty, or like `/api/v1`. */
  readonly apiPrefix: string;
  readonly corsOrigins: readonly string[];
  /** Where sessions are kept: in the data folder, or in the database. */
  readonly store: StoreName;
  /** Holds a password, perhaps. There where the store is `postgres`. */
  readonly databaseUrl: string | undefined;
  /** Connections to the database at most for what is asked; there are two more for notices. */
  readonly databasePoolSize: number;
  readonly dataSessionsPath: string;
  readonly legacyTimeZone: string;
  readonly logLevel: string;
  readonly allowNetworkFilesystem: boolean;
}

/** The configuration is not usable; `faults` has one line for each variable that is wrong. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads `.env` where there is one (what is set already wins), then the environment.
 * @throws ConfigError
 */
export function loadConfig(): Config {
  loadEnvFile();
  return readConfig(process.env);
}

/** What the command line has to know: where sessions are. A fault of the server's variables is none of its own. */
export type FolderConfig = Pick<Config, 'store' | 'dataSessionsPath' | 'legacyTimeZone'>;

/**
 * As `loadConfig`, for the command line.
 * @throws ConfigError
 */
export function loadFolderConfig(): FolderConfig {
  loadEnvFile();
  const read = parse(variables.pick({ DATA_SESSIONS_PATH: true, LEGACY_TIME_ZONE: true }), process.env);
  const store = process.env.STORE === 'postgres' ? 'postgres' : 'file';
  return { store, dataSessionsPath: read.DATA_SESSIONS_PATH, legacyTimeZone: read.LEGACY_TIME_ZONE };
}

/** What a copy has to know besides: where a data folder may lie. */
export type CopyConfig = FolderConfig & Pick<Config, 'allowNetworkFilesystem'>;

/** @throws ConfigError */
export function loadCopyConfig(): CopyConfig {
  const folder = loadFolderConfig();
  const read = parse(variables.pick({ ALLOW_NETWORK_FILESYSTEM: true }), process.env);
  return { ...folder, allowNetworkFilesystem: read.ALLOW_NETWORK_FILESYSTEM };
}

/**
 * The server's database, for who asks for it: other programs have a DATABASE_URL, too.
 * @throws ConfigError
 */
export function loadDatabaseUrl(): string {
  loadEnvFile();
  const url = parse(variables.pick({ DATABASE_URL: true, PGSSLMODE: true }), process.env).DATABASE_URL;
  if (url === undefined) throw new ConfigError(['DATABASE_URL is missing: it has to name the database']);
  return url;
}

/** @throws ConfigError */
export function readConfig(environment: Environment): Config {
  // Other programs have a DATABASE_URL, too: where sessions are kept in a folder, it is none of ours.
  const ours =
    environment.STORE === 'postgres'
      ? environment
      : { ...environment, DATABASE_URL: undefined, PGSSLMODE: undefined };
  const read = parse(variables, ours);
  if (read.STORE === 'postgres' && read.DATABASE_URL === undefined)
    throw new ConfigError(['DATABASE_URL is missing: STORE=postgres needs to know which database']);
  return Object.freeze({
    host: read.HOST,
    port: read.PORT,
    httpAdapter: read.HTTP_ADAPTER,
    apiPrefix: read.API_PREFIX,
    corsOrigins: Object.freeze(read.CORS_ORIGINS),
    store: read.STORE,
    databaseUrl: read.DATABASE_URL,
    databasePoolSize: read.DATABASE_POOL_SIZE,
    dataSessionsPath: read.DATA_SESSIONS_PATH,
    legacyTimeZone: read.LEGACY_TIME_ZONE,
    logLevel: read.LOG_LEVEL,
    allowNetworkFilesystem: read.ALLOW_NETWORK_FILESYSTEM,
  });
}

type Environment = Readonly<Record<string, string | undefined>>;

function loadEnvFile(): void {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      throw new ConfigError([`.env cannot be read (${code}): correct it or take it away`]);
  }
}

/** @throws ConfigError */
function parse<T extends z.ZodType>(schema: T, environment: Environment): z.infer<T> {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const result = schema.safeParse(Object.fromEntries(given));
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => {
      const name = path[0] as string;
      const given = SECRET.has(name) ? '' : `, not ${JSON.stringify(environment[name]?.slice(0, 200))}`;
      return `${name} ${message}${given}`;
    }),
  );
}

function text(accepts: (value: string) => boolean, message: string) {
  return z.string().refine(accepts, { message });
}

function isPort(value: string): boolean {
  return /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
}

function isHttpAdapter(value: string): boolean {
  return HTTP_ADAPTERS.some((name) => name === value);
}

function isStore(value: string): boolean {
  return STORES.some((name) => name === value);
}

function isPoolSize(value: string): boolean {
  return /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= 1_000;
}

function isPrefix(value: string): boolean {
  return /^(\/[A-Za-z0-9._~-]+)+$/.test(value);
}

function isOriginList(value: string): boolean {
  if (value === '*') return true;
  return value
    .split(',')
    .every((origin) => URL.canParse(origin.trim()) && new URL(origin.trim()).origin === origin.trim());
}

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined;
  } catch {
    return false;
  }
}

function isLogLevel(value: string): boolean {
  return LOG_LEVELS.some((level) => level === value);
}

function isBoolean(value: string): boolean {
  return value === 'true' || value === 'false';
}
