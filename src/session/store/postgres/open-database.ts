/**
 * Opens the database of a store: connects, sees whether it will do, makes or mends its tables. What stands in the way is
 * told in one line, which has no password.
 */

import pg from 'pg';
import { StoreOpenError, StoreUnavailableError } from '../../domain/errors.js';
import { Database, type DatabaseOptions } from './database.js';
import { migrate } from './migrations.js';

/** @throws StoreOpenError */
export async function openDatabase(
  options: DatabaseOptions,
): Promise<{ database: Database; storeId: string }> {
  const database = connect(options);
  try {
    const storeId = await database.transaction(async (client) => {
      const { rows } = await client.query<{ encoding: string }>(
        "SELECT current_setting('server_encoding') AS encoding",
      );
      if (rows[0]?.encoding !== 'UTF8')
        throw new StoreOpenError(
          'unknown_format',
          `The database has its texts in ${rows[0]?.encoding}, and sessions need UTF8: make one with ENCODING 'UTF8'`,
        );
      await migrate(client);
      const found = await client.query<{ store_id: string }>('SELECT store_id FROM session_store');
      return found.rows[0]?.store_id as string;
    });
    return { database, storeId };
  } catch (error) {
    await database.close();
    if (!(error instanceof StoreUnavailableError)) throw error;
    const cause = error.cause as Error & { code?: string };
    throw new StoreOpenError(
      'not_reachable',
      `The database cannot be used: ${cause.message || cause.code}`,
      cause,
    );
  }
}

function connect(options: DatabaseOptions): Database {
  try {
    // Reads the address, and throws what repeats it.
    new pg.Client(options.url);
  } catch {
    throw new StoreOpenError('not_reachable', 'The address of the database is none: see DATABASE_URL');
  }
  return new Database(options);
}
