/**
 * One of several processes over one database, as several servers are: it does what it is told, through the component or in
 * plain `pg`, and answers how often it could in a second.
 */

import { answerJobs } from '../load/asked-process.js';
import { AT_ONCE, changes, ROUND, rateOf, USER, withService } from '../rows/in-process.js';
import type { InstanceJob } from './instances.js';
import { PlainDatabase } from './plain-database.js';

answerJobs((job: InstanceJob) => (job.side === 'product' ? asProduct(job) : inPlain(job)));

function asProduct({ work, url, seconds, ids }: InstanceJob): Promise<number> {
  return withService({ kind: 'postgres', url }, work === 'append' ? ROUND : undefined, (service) => {
    if (work === 'append') return changes(service, seconds);
    if (work === 'create') return rateOf(AT_ONCE, seconds, () => service.process({ user_id: USER }));
    return rateOf(AT_ONCE, seconds, () => service.getSession(oneOf(ids)));
  });
}

async function inPlain({ work, url, seconds, ids }: InstanceJob): Promise<number> {
  const made = work === 'get' ? [] : await makeSessions(url, work === 'append');
  const database = new PlainDatabase(url);
  try {
    if (work === 'get') return await rateOf(AT_ONCE, seconds, () => database.get(oneOf(ids)));
    const template = await database.template(made[0] as string);
    if (work === 'create') return await rateOf(AT_ONCE, seconds, () => database.create(template));
    const next = made.map(() => template.row.revision);
    return await rateOf(AT_ONCE, seconds, (caller) => {
      const seq = next[caller] as number;
      next[caller] = seq + 1;
      return database.append(made[caller] as string, seq, template);
    });
  } finally {
    await database.close();
  }
}

/** Sessions to change, through the component, so that they are as any; the first of them is the template for all. */
function makeSessions(url: string, changed: boolean): Promise<string[]> {
  return withService({ kind: 'postgres', url }, ROUND, (service) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const { session_id: id } = await service.process({ user_id: USER });
        if (changed) await service.updateStatus(id, 'working', { actor: USER });
        return id;
      }),
    ),
  );
}

function oneOf(ids: readonly string[] = []): string {
  return ids[Math.floor(Math.random() * ids.length)] as string;
}
