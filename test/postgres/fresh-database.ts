/** Databases for tests, each empty and of its own, on the server of start-postgres.ts. */

import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface FreshDatabase {
  readonly url: string;
  /** Whoever is connected is cut off. */
  drop(): Promise<void>;
}

export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await command(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  const drop = async () => {
    await command(`DROP DATABASE ${name} WITH (FORCE)`);
  };
  return { url: url.href, drop };
}

/** Runs a statement in the database at `url`; its rows. */
export async function command(
  text: string,
  url = serverUrl(),
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: start-postgres.ts sets it');
  return url;
}
