/**
 * Checks what concurrent clients did and saw against the logs that were there in the end. A store that loses, doubles
 * or reorders an update, shows one that is gone later, or takes one back, breaks a rule here. Pure, and linear but for
 * sorting: a history may have a hundred thousand operations.
 *
 * The rules lean on the hash chain: who saw the hash of event 7 saw the events 0 to 7. That the chain of each log holds
 * is checked by whoever reads the logs (readLog).
 */

import {
  describeWrite,
  type LoggedEvent,
  type Logs,
  type Operation,
  type Read,
  type Write,
} from './history.js';

/** What is wrong with a history, each fault a sentence that names session, operation and seq; nothing when it is right. */
export function checkHistory(operations: readonly Operation[], logs: Logs): string[] {
  const writes = new Map<string, Write>();
  const faults: string[] = [];
  for (const operation of operations) {
    if (operation.kind === 'read') continue;
    if (writes.has(operation.name)) faults.push(`the history has two commands called ${operation.name}`);
    writes.set(operation.name, operation);
  }
  const places = findPlaces(logs);
  for (const [name, found] of places) {
    const asker = writes.get(name);
    if (asker) faults.push(...checkPlaces(asker, found, logs));
    else faults.push(`${at(found[0] as Place)} is of the command ${name}, which nobody asked for`);
  }
  for (const write of writes.values()) {
    if (write.outcome === 'ok' && !places.has(write.name))
      faults.push(`${describeWrite(write)} was acknowledged and is not in the log of ${write.session}`);
  }
  const reads = readsBySession(operations);
  const ends = acknowledgedEnds(writes.values(), places);
  for (const session of new Set([...logs.keys(), ...reads.keys()])) {
    const log = new SessionLog(session, logs, writes);
    faults.push(...log.checkOrder());
    for (const read of reads.get(session) ?? []) faults.push(...log.checkRead(read));
    faults.push(...checkNothingIsTakenBack(session, ends.get(session) ?? [], reads.get(session) ?? []));
  }
  return faults;
}

/** Where an event of a command was found. */
interface Place {
  readonly session: string;
  readonly seq: number;
}

const at = ({ session, seq }: Place) => `event ${seq} of ${session}`;

function findPlaces(logs: Logs): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const [session, log] of logs) {
    for (const [seq, { command }] of log.entries()) {
      if (command === null) continue;
      const found = places.get(command);
      if (found) found.push({ session, seq });
      else places.set(command, [{ session, seq }]);
    }
  }
  return places;
}

/** A command that has events in the logs: whether it may, and whether they are what it asked for, once and together. */
function checkPlaces(write: Write, found: readonly Place[], logs: Logs): string[] {
  const [first] = found as [Place];
  const command = describeWrite(write);
  if (write.outcome === 'not_applied')
    return [`${command} was answered as not applied, and ${at(first)} is its work`];
  const faults: string[] = [];
  const astray = found.find(({ session }) => session !== (write.session ?? first.session));
  if (astray) faults.push(`${command} has left ${at(astray)}, where it was not asked for`);
  if ((first.seq === 0) !== (write.kind === 'create'))
    faults.push(`${command} has left ${at(first)}, where a ${write.kind} does not belong`);
  if (found.length > write.events.length)
    faults.push(`${command} asked for ${write.events.length} and ${found.map(at).join(', ')} are its work`);
  for (const [index, wanted] of write.events.entries()) {
    const place = found[index];
    const event = place && logs.get(place.session)?.[place.seq];
    if (!event) faults.push(`${command} is not whole: ${wanted} is not in the log of ${first.session}`);
    else if (event.what !== wanted)
      faults.push(`${at(place)} is ${event.what}; ${command} asked for ${wanted}`);
    else if (place.session === first.session && place.seq !== first.seq + index)
      faults.push(`${command} is not in one piece: ${at(place)} should be event ${first.seq + index}`);
  }
  const revision = first.seq + write.events.length;
  if (write.outcome === 'ok' && write.revision !== undefined && write.revision !== revision)
    faults.push(`${command} was told revision ${write.revision}, and with ${at(first)} it made ${revision}`);
  return faults;
}

/** The final log of a session, and who wrote it. */
class SessionLog {
  readonly #log: readonly LoggedEvent[];
  /** For each event, the command asked for last among those of the events up to it. */
  readonly #latest: (Write | undefined)[] = [];

  constructor(
    private readonly session: string,
    logs: Logs,
    private readonly writes: ReadonlyMap<string, Write>,
  ) {
    this.#log = logs.get(session) ?? [];
    let latest: Write | undefined;
    for (const { command } of this.#log) {
      const write = command === null ? undefined : writes.get(command);
      if (write && write.invoked > (latest?.invoked ?? Number.NEGATIVE_INFINITY)) latest = write;
      this.#latest.push(latest);
    }
  }

  /** Positions count up, and no command stands behind one that was asked for after it had been acknowledged. */
  checkOrder(): string[] {
    const faults: string[] = [];
    for (const [place, { seq, command }] of this.#log.entries()) {
      if (seq !== place) faults.push(`event ${place} of ${this.session} has seq ${seq}`);
      const write = command === null ? undefined : this.writes.get(command);
      const latest = this.#latest[place];
      if (write?.outcome === 'ok' && latest && write.returned < latest.invoked)
        faults.push(
          `event ${place} of ${this.session} stands behind ${describeWrite(latest)}, which was asked for after ${describeWrite(write)} had been acknowledged`,
        );
    }
    return faults;
  }

  /** What was seen is a piece of the final log, and nothing that was asked for only later. */
  checkRead(read: Read): string[] {
    const faults: string[] = [];
    const what = `${read.client}'s read ${read.name} of ${this.session}`;
    const wrong = read.hashes.findIndex((hash, index) => hash !== this.#log[read.from + index]?.hash);
    if (wrong >= 0) {
      const seq = read.from + wrong;
      const there = this.#log[seq] ? 'another one' : 'none';
      faults.push(`${what} saw an event ${seq} where the final log has ${there}`);
    }
    if (read.revision > this.#log.length)
      faults.push(
        `${what} was told revision ${read.revision}; the final log ends with ${this.#log.length - 1}`,
      );
    if (read.hashes.length > 0 && read.from + read.hashes.length > read.revision)
      faults.push(`${what} saw event ${read.from + read.hashes.length - 1} at revision ${read.revision}`);
    const latest = this.#latest[Math.min(read.revision, this.#log.length) - 1];
    if (latest && latest.invoked > read.returned)
      faults.push(
        `${what} saw ${describeWrite(latest)} within revision ${read.revision} before it was asked for`,
      );
    return faults;
  }
}

/** Up to where a log was known to somebody since a moment: a command was acknowledged, or a read had ended. */
interface Known {
  readonly since: number;
  readonly revision: number;
  /** By what; put in words only when it is told. */
  readonly how: () => string;
}

/** Who reads later than others knew of a revision sees at least that. */
function checkNothingIsTakenBack(session: string, ends: readonly Known[], reads: readonly Read[]): string[] {
  const faults: string[] = [];
  const known = [
    ...ends,
    ...reads.map(({ client, name, returned, revision }) => {
      const how = () => `${client}'s read ${name} had seen event ${revision - 1}`;
      return { since: returned, revision, how };
    }),
  ].sort((left, right) => left.since - right.since);
  let most: Known | undefined;
  let next = 0;
  for (const read of [...reads].sort((left, right) => left.invoked - right.invoked)) {
    for (; next < known.length && (known[next] as Known).since < read.invoked; next++) {
      const one = known[next] as Known;
      if (one.revision > (most?.revision ?? 0)) most = one;
    }
    if (most && read.revision < most.revision)
      faults.push(
        `${read.client}'s read ${read.name} of ${session} was told revision ${read.revision}, after ${most.how()}`,
      );
  }
  return faults;
}

function acknowledgedEnds(
  writes: Iterable<Write>,
  places: ReadonlyMap<string, Place[]>,
): Map<string, Known[]> {
  const ends = new Map<string, Known[]>();
  for (const write of writes) {
    const last = places.get(write.name)?.at(-1);
    if (write.outcome !== 'ok' || !last) continue;
    const how = () => `${describeWrite(write)} had been acknowledged with event ${last.seq}`;
    const known = { since: write.returned, revision: last.seq + 1, how };
    const list = ends.get(last.session);
    if (list) list.push(known);
    else ends.set(last.session, [known]);
  }
  return ends;
}

function readsBySession(operations: readonly Operation[]): Map<string, Read[]> {
  const reads = new Map<string, Read[]>();
  for (const operation of operations) {
    if (operation.kind !== 'read') continue;
    const list = reads.get(operation.session);
    if (list) list.push(operation);
    else reads.set(operation.session, [operation]);
  }
  return reads;
}
