/** Whether sessions in PostgreSQL are read as fast among many as among few, and how many bytes one takes. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { count } from '../../dist/cli/text.js';
import { parseSessionId } from '../../dist/session/domain/session-id.js';
import { dataSetOf, idsOf } from '../data-set/data-set.js';
import { atLeast, type Figure, ratioOf, sampleOf } from '../figure.js';
import { CONNECTIONS, type Row } from '../rows/row.js';
import { type Server, withServers } from '../servers/server.js';
import { pathsOf, rowsOf } from './databases.js';
import type { PostgresBench } from './postgres-bench.js';

/** Sessions that are asked for: so many that what was asked for once helps little. */
const READ = 50_000;

export const getAtSizeRow: Row<PostgresBench> = {
  name: 'get-at-size',
  what: 'GET /session/{id} at each size beside the smallest',
  measure: async (bench) => {
    const sets = await Promise.all(bench.wish.sessions.map((size) => bench.dataSet(size)));
    const paths = await Promise.all(sets.map((set) => pathsOf(set, READ)));
    return withServers(
      sets.map((set) => bench.server(set)),
      async (...servers) => {
        const rate = (index: number) => async () => {
          const target = { url: (servers[index] as Server).url, paths: paths[index] as string[] };
          const how = { method: 'GET', connections: CONNECTIONS, seconds: bench.wish.seconds } as const;
          return (await bench.load.rate({ ...how, ...target })).perSecond;
        };
        const sides = Object.fromEntries(sets.map(({ sessions }, index) => [`at-${sessions}`, rate(index)]));
        const rounds = await bench.alternate('get-at-size', sides);
        const [few, ...others] = bench.wish.sessions;
        const floor = rounds[`at-${few}`] as number[];
        return others.map((sessions): Figure => {
          const measured = rounds[`at-${sessions}`] as number[];
          return {
            name: `get-at-${sessions}`,
            what: `GET of any of ${count(sessions, 'session')}`,
            unit: '/s',
            measured: sampleOf(measured),
            comparedWith: { what: `with ${count(few as number, 'session')}`, ...sampleOf(floor) },
            ratio: ratioOf(measured, floor),
            aims: [atLeast(0.9)],
          };
        });
      },
    );
  },
};

/** Tables of the store with their indexes and what is kept beside them. */
const SIZES = `
  SELECT parent.relname AS name, sum(pg_table_size(inhrelid))::float8 AS rows, sum(pg_indexes_size(inhrelid))::float8 AS indexes
  FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent
  WHERE parent.relname IN ('sessions', 'session_events') AND parent.relkind = 'p' GROUP BY 1 ORDER BY 1`;
/** As many of the same sessions are enough to know what one takes in a folder. */
const IN_FOLDERS = 10_000;

export const bytesRow: Row<PostgresBench> = {
  name: 'bytes',
  what: `how much of the disk a session takes in the largest data set, beside ${count(IN_FOLDERS, 'session')} in folders`,
  measure: async (bench) => {
    const { url, sessions } = await bench.largest;
    const tables = await rowsOf<{ name: string; rows: number; indexes: number }>(url, SIZES);
    const figure = (name: string, what: string, bytes: number): Figure => ({
      name: `bytes-${name}`,
      what: `${what} of a session, of ${count(sessions, 'session')}`,
      unit: 'kB',
      measured: sampleOf([bytes / sessions / 1_000]),
      aims: [],
    });
    const all = figure(
      'all',
      'disk space',
      tables.reduce((sum, { rows, indexes }) => sum + rows + indexes, 0),
    );
    const inFolders = [await bytesInFolders()];
    return [
      {
        ...all,
        comparedWith: { what: 'in folders, without their index', ...sampleOf(inFolders) },
        ratio: ratioOf(all.measured?.rounds ?? [], inFolders),
      },
      ...tables.flatMap(({ name, rows, indexes }) => [
        figure(name, `rows in ${name}`, rows),
        figure(`${name}-indexes`, `entries in indexes of ${name}`, indexes),
      ]),
    ];
  },
};

/** Blocks that a session in a data folder takes on this disk, its own folder's among them, in kB. */
async function bytesInFolders(): Promise<number> {
  const { folder } = await dataSetOf(IN_FOLDERS, []);
  const sizeOf = (path: string) => statSync(path).blocks * 512;
  let bytes = 0;
  for (const id of idsOf(folder)) {
    const session = join(folder, parseSessionId(id)?.day ?? '', id);
    bytes += sizeOf(session);
    for (const file of readdirSync(session)) bytes += sizeOf(join(session, file));
  }
  return bytes / IN_FOLDERS / 1_000;
}
