/**
 * Opens the database of a store: connects, sees whether it will do, makes its tables or brings them up to date. What stands in
 * the way is told in one line, which has no password.
 */

import pg, { type ClientBase } from 'pg';
import { printable, StoreOpenError, StoreUnavailableError } from '../../domain/errors.js';
import { TLS_MODES } from '../database-address.js';
import { Database, type DatabaseOptions } from './database.js';
import { migrate, VERSION } from './migrations.js';
import { halfCopied, readIdentity } from './store-identity.js';

/** PostgreSQL, appendix A. */
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Makes the tables where they are missing.
 * @throws StoreOpenError
 */
export function openDatabase(options: DatabaseOptions): Promise<{ database: Database; storeId: string }> {
  return opened(options, (database) =>
    database.transaction(async (client) => {
      await makeTables(client);
      const { storeId, copiedSince } = await readIdentity(client);
      if (copiedSince) throw halfCopied();
      return { database, storeId };
    }),
  );
}

/** As `openDatabase`, for who copies into it. @throws StoreOpenError */
export function openAsTarget(options: DatabaseOptions): Promise<Database> {
  return opened(options, async (database) => {
    await database.transaction(makeTables);
    return database;
  });
}

/** As `openDatabase`, for who reads and changes nothing. @throws StoreOpenError */
export function openAsSource(options: DatabaseOptions): Promise<{ database: Database; storeId: string }> {
  return opened(options, (database) =>
    database.atOneMoment(async (client) => {
      await refuseOtherTables(client);
      const { storeId, copiedSince } = await readIdentity(client);
      if (copiedSince) throw halfCopied();
      return { database, storeId };
    }),
  );
}

/** Connects and looks whether it will do. @throws StoreOpenError */
async function opened<T>(options: DatabaseOptions, look: (database: Database) => Promise<T>): Promise<T> {
  const database = connect(options);
  try {
    return await look(database);
  } catch (error) {
    await database.close();
    const cause = error instanceof StoreUnavailableError ? error.cause : error;
    if (cause instanceof StoreOpenError) throw cause;
    const { message, code } = cause as Error & { code?: string };
    throw new StoreOpenError(
      'not_reachable',
      `The database cannot be used: ${explained(message, code)}`,
      cause,
    );
  }
}

/** What the driver or the server says, where that does not say what to do. */
function explained(message: string, code: string | undefined): string | undefined {
  if (/password must be a string/.test(message))
    return 'it asks for a password, and there is none in its address, in PGPASSWORD or in ~/.pgpass';
  if (code === INSUFFICIENT_PRIVILEGE)
    return `${message} (what a user of the database needs: docs/POSTGRESQL.md, "Rights")`;
  return message || code;
}

async function makeTables(client: ClientBase): Promise<void> {
  // What the database has as its default: the connection has its own, unless a pooler is between.
  const { rows } = await client.query<{ encoding: string; commits: string }>(
    "SELECT current_setting('server_encoding') AS encoding, reset_val AS commits FROM pg_settings WHERE name = 'synchronous_commit'",
  );
  if (rows[0]?.commits === 'off')
    throw new StoreOpenError(
      'not_durable',
      'The database acknowledges what a crash may take back (synchronous_commit is off): ALTER DATABASE … SET synchronous_commit = on',
    );
  if (rows[0]?.encoding !== 'UTF8')
    throw new StoreOpenError(
      'unknown_format',
      `The database has its texts in ${rows[0]?.encoding}, and sessions need UTF8: make one with ENCODING 'UTF8'`,
    );
  await migrate(client);
}

/** @throws StoreOpenError where there are no tables, or not those that this program knows */
async function refuseOtherTables(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('session_migrations') IS NOT NULL AS there",
  );
  if (!rows[0]?.there)
    throw new StoreOpenError(
      'not_readable',
      'The database holds no sessions: it has no tables of this program',
    );
  const found = await client.query<{ version: number }>(
    'SELECT max(version) AS version FROM session_migrations',
  );
  const version = found.rows[0]?.version;
  if (version !== VERSION)
    throw new StoreOpenError(
      'unknown_format',
      `The database has tables of version ${version}, and this program reads those of version ${VERSION}: a server of this version makes them of older ones`,
    );
}

/** What the driver acts on behind `?`. */
const PARAMETERS = [
  'host',
  'port',
  'user',
  'password',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'options',
  'client_encoding',
  'application_name',
  'fallback_application_name',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
];

/** @throws StoreOpenError where the address asks for TLS in a word that is none, or in two, of which the driver takes one */
function refuseUnknownModes(given: string): void {
  const modes = new URLSearchParams(given).getAll('sslmode');
  if (modes.length > 1)
    throw new StoreOpenError('not_reachable', 'The address of the database has sslmode more than once');
  if (modes.some((mode) => !TLS_MODES.includes(mode)))
    throw new StoreOpenError(
      'not_reachable',
      `The address of the database has an sslmode that is none of ${TLS_MODES.join(', ')}`,
    );
}

/** The driver passes over what it does not know: one letter too few, and nothing is encrypted. @throws StoreOpenError */
function refuseUnknownParameters(url: string): void {
  const given = url.slice(url.indexOf('?') + 1 || url.length);
  refuseUnknownModes(given);
  const unknown = [...new URLSearchParams(given).keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown === undefined) return;
  // With an @ behind it, what follows a ? may be the rest of a password; and what follows an & in one.
  const mayBeSecret = given.includes('@') || /(^|&)password=/i.test(given);
  const name = mayBeSecret ? '' : `, ${printable(unknown)}`;
  throw new StoreOpenError(
    'not_reachable',
    `The address of the database has a parameter that is not known${name}: known are ${PARAMETERS.join(', ')}`,
  );
}

function connect(options: DatabaseOptions): Database {
  refuseUnknownParameters(options.url);
  try {
    // Reads the address, and throws what repeats it.
    const { port } = new pg.Client(options.url);
    if (!(port > 0 && port < 65_536)) throw new RangeError('no port');
  } catch (error) {
    const isFile = /^(open|read)$/.test((error as NodeJS.ErrnoException).syscall ?? '');
    const why = isFile ? 'names a file that cannot be read (sslrootcert, sslcert, sslkey)' : 'is none';
    throw new StoreOpenError('not_reachable', `The address of the database ${why}: see DATABASE_URL`);
  }
  return new Database(options);
}
