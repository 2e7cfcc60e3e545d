/**
 * The checker of histories is what the tests of concurrent clients and of kills stand on: it has to be silent about
 * every right history, and to find each single way in which one can be wrong.
 */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type History, rightHistory } from './a-history.js';
import type { LoggedEvent, Operation, Read, Write } from './history.js';
import { checkHistory } from './history-check.js';

const histories = fc.array(fc.nat(100_000), { minLength: 40, maxLength: 160 }).map(rightHistory);

type Logs = Map<string, LoggedEvent[]>;

/** Spoils a copy of a right history; `undefined` where the history has nothing that can be spoiled so. */
type Spoil = (operations: Operation[], logs: Logs) => Operation[] | undefined;

const isAppend = (operation: Operation): operation is Write => operation.kind === 'append';
const isRead = (operation: Operation): operation is Read => operation.kind === 'read';
const acknowledged = (operation: Operation): operation is Write =>
  isAppend(operation) && operation.outcome === 'ok';

function replaced(
  operations: Operation[],
  old: Operation | undefined,
  changes: object,
): Operation[] | undefined {
  return old && operations.map((one) => (one === old ? ({ ...one, ...changes } as Operation) : one));
}

/** Takes events out of a log and closes the gap. */
function without(logs: Logs, session: string, goes: (event: LoggedEvent) => boolean): void {
  const left = (logs.get(session) as LoggedEvent[]).filter((event) => !goes(event));
  logs.set(
    session,
    left.map((event, seq) => ({ ...event, seq })),
  );
}

function added(logs: Logs, session: string, event: Omit<LoggedEvent, 'seq' | 'hash'>): void {
  const log = logs.get(session) as LoggedEvent[];
  log.push({ ...event, seq: log.length, hash: `added ${log.length}` });
}

const SPOILT: readonly [string, Spoil, RegExp][] = [
  [
    'an acknowledged command is not in the log',
    (operations, logs) => {
      const lost = operations.find(acknowledged);
      if (lost) without(logs, lost.session as string, ({ command }) => command === lost.name);
      return lost && operations;
    },
    /^client \d's append a\d+ of s-c\d+ was acknowledged and is not in the log of s-c\d+$/,
  ],
  [
    'an acknowledged session is not there',
    (operations, logs) => {
      const lost = operations.find(({ kind, session }) => kind === 'create' && session !== undefined);
      if (lost) logs.delete(lost.session as string);
      return lost && operations;
    },
    /^client \d's create c\d+ of s-c\d+ was acknowledged and is not in the log of s-c\d+$/,
  ],
  [
    'an acknowledged command is in the log twice',
    (operations, logs) => {
      const doubled = operations.find(acknowledged);
      if (doubled)
        added(logs, doubled.session as string, { command: doubled.name, what: doubled.events[0] as string });
      return doubled && operations;
    },
    /^client \d's append a\d+ of s-c\d+ asked for \d and event \d+ of .+ are its work$/,
  ],
  [
    'a command of unknown outcome is in the log twice',
    (operations, logs) => {
      const doubled = operations.find(
        (one): one is Write =>
          isAppend(one) &&
          one.outcome === 'unknown' &&
          (logs.get(one.session as string) as LoggedEvent[]).some(({ command }) => command === one.name),
      );
      if (doubled)
        added(logs, doubled.session as string, { command: doubled.name, what: doubled.events[0] as string });
      return doubled && operations;
    },
    /^client \d's append a\d+ of s-c\d+ asked for \d and event \d+ of .+ are its work$/,
  ],
  [
    'a command that was refused is in the log',
    (operations, logs) => {
      const refused = operations.find((one): one is Write => isAppend(one) && one.outcome === 'not_applied');
      if (refused)
        added(logs, refused.session as string, { command: refused.name, what: refused.events[0] as string });
      return refused && operations;
    },
    /^client \d's append a\d+ of s-c\d+ was answered as not applied, and event \d+ of s-c\d+ is its work$/,
  ],
  [
    'an event is there that nobody asked for',
    (operations, logs) => {
      const [session] = logs.keys();
      if (session) added(logs, session, { command: 'stranger', what: 'step {}' });
      return session ? operations : undefined;
    },
    /^event \d+ of s-c\d+ is of the command stranger, which nobody asked for$/,
  ],
  [
    'a session is there that nobody asked for',
    (operations, logs) => {
      logs.set('s-new', [{ seq: 0, hash: 'new', command: 'stranger', what: 'session_created {}' }]);
      return operations;
    },
    /^event 0 of s-new is of the command stranger, which nobody asked for$/,
  ],
  [
    'a command has left its events in another session',
    (operations, logs) => {
      const moved = operations.find(acknowledged);
      const other = [...logs.keys()].find((session) => session !== moved?.session);
      if (!moved || !other) return undefined;
      without(logs, moved.session as string, ({ command }) => command === moved.name);
      for (const what of moved.events) added(logs, other, { command: moved.name, what });
      return operations;
    },
    /^client \d's append a\d+ of s-c\d+ has left event \d+ of s-c\d+, where it was not asked for$/,
  ],
  [
    'a session is made twice by one command',
    (operations, logs) => {
      const made = operations.find((one): one is Write => one.kind === 'create' && one.outcome === 'unknown');
      const event = [...logs.values()].map(([first]) => first).find((first) => first?.command === made?.name);
      if (!made || !event) return undefined;
      logs.set('s-twin', [event]);
      return operations;
    },
    /^client \d's create c\d+ asked for 1 and event 0 of .+, event 0 of .+ are its work$/,
  ],
  [
    'a command that makes a session stands in the middle of one',
    (operations, logs) => {
      const made = operations.find((one): one is Write => one.kind === 'create' && one.outcome === 'unknown');
      const [session] = logs.keys();
      if (!made || !session) return undefined;
      for (const [name, [first]] of logs) if (first?.command === made.name) logs.delete(name);
      if (!logs.has(session)) return undefined;
      added(logs, session, { command: made.name, what: made.events[0] as string });
      return operations;
    },
    /^client \d's create c\d+ has left event \d+ of s-c\d+, where a create does not belong$/,
  ],
  [
    'only a part of a command is in the log',
    (operations, logs) => {
      const torn = operations.find((one) => acknowledged(one) && one.events.length > 1) as Write | undefined;
      const last = torn?.events.at(-1);
      if (torn)
        without(logs, torn.session as string, ({ command, what }) => command === torn.name && what === last);
      return torn && operations;
    },
    /^client \d's append a\d+ of s-c\d+ is not whole: step .+ is not in the log of s-c\d+$/,
  ],
  [
    'another event stands between those of a command',
    (operations, logs) => {
      const torn = operations.find((one) => acknowledged(one) && one.events.length > 1) as Write | undefined;
      if (!torn) return undefined;
      const log = logs.get(torn.session as string) as LoggedEvent[];
      const second = log.findIndex(({ command }) => command === torn.name) + 1;
      log.splice(second, 0, { seq: 0, hash: 'between', command: null, what: 'log_recovered {}' });
      logs.set(
        torn.session as string,
        log.map((event, seq) => ({ ...event, seq })),
      );
      return operations;
    },
    /^client \d's append a\d+ of s-c\d+ is not in one piece: event \d+ of s-c\d+ should be event \d+$/,
  ],
  [
    'an event says something else than was asked for',
    (operations, logs) => {
      const altered = operations.find(acknowledged);
      const log = altered && (logs.get(altered.session as string) as LoggedEvent[]);
      const seq = log?.findIndex(({ command }) => command === altered?.name) as number;
      if (log) log[seq] = { ...(log[seq] as LoggedEvent), what: 'step "another"' };
      return altered && operations;
    },
    /^event \d+ of s-c\d+ is step "another"; client \d's append a\d+ of s-c\d+ asked for step /,
  ],
  [
    'the acknowledged revision is not the one that was made',
    (operations) => {
      const told = operations.find(acknowledged);
      return replaced(operations, told, { revision: (told?.revision ?? 0) + 1 });
    },
    /^client \d's append a\d+ of s-c\d+ was told revision \d+, and with event \d+ of s-c\d+ it made \d+$/,
  ],
  [
    'seq is not the position',
    (operations, logs) => {
      const log = [...logs.values()].find(({ length }) => length > 1);
      if (log) log[1] = { ...(log[1] as LoggedEvent), seq: 0 };
      return log && operations;
    },
    /^event 1 of s-c\d+ has seq 0$/,
  ],
  [
    'a command stands before one that had ended before it began',
    (operations, logs) => {
      const early = operations.find((one): one is Write => {
        const log = logs.get(one.session as string);
        return acknowledged(one) && (log?.findIndex(({ command }) => command === one.name) as number) > 1;
      });
      const log = early && (logs.get(early.session as string) as LoggedEvent[]);
      const seq = log?.findIndex(({ command }) => command === early?.name) as number;
      const before = operations.find((one) => isAppend(one) && one.name === log?.[seq - 1]?.command);
      return replaced(operations, before, { invoked: (early?.returned ?? 0) + 0.5 });
    },
    /^event \d+ of s-c\d+ stands behind client \d's append a\d+ of s-c\d+, which was asked for after client \d's append a\d+ of s-c\d+ had been acknowledged$/,
  ],
  [
    'a read saw an event that the final log has not',
    (operations) => {
      const read = operations.find(isRead);
      const hashes = [...(read?.hashes ?? []).slice(0, -1), 'gone'];
      return replaced(operations, read, { hashes });
    },
    /^client \d's read r\d+ of s-c\d+ saw an event \d+ where the final log has another one$/,
  ],
  [
    'a read saw an event behind the end of the final log',
    (operations, logs) => {
      const read = operations.findLast(isRead);
      const log = read && logs.get(read.session);
      if (read && log) log.length = read.revision - 1;
      return read && operations;
    },
    /^client \d's read r\d+ of s-c\d+ saw an event \d+ where the final log has none$/,
  ],
  [
    'a read was told a revision that the final log does not reach',
    (operations, logs) => {
      const read = operations.find(isRead);
      return replaced(operations, read, { revision: (logs.get(read?.session ?? '')?.length ?? 0) + 1 });
    },
    /^client \d's read r\d+ of s-c\d+ was told revision \d+; the final log ends with \d+$/,
  ],
  [
    'a read saw more events than it was told of',
    (operations) => {
      const read = operations.find((one): one is Read => isRead(one) && one.revision > 0);
      return replaced(operations, read, { revision: (read?.revision ?? 0) - 1 });
    },
    /^client \d's read r\d+ of s-c\d+ saw event \d+ at revision \d+$/,
  ],
  [
    'a read saw what was asked for only after it',
    (operations) => {
      const read = operations.find((one): one is Read => isRead(one) && one.revision > 0);
      return replaced(operations, read, { invoked: -2, returned: -1 });
    },
    /^client \d's read r\d+ of s-c\d+ saw client \d's (append|create) .+ within revision \d+ before it was asked for$/,
  ],
  [
    'a read did not see what had been acknowledged before',
    (operations) => {
      const early = operations.find(acknowledged);
      if (!early) return undefined;
      const { session, returned } = early;
      const times = { invoked: returned + 0.1, returned: returned + 0.2 };
      const late = {
        kind: 'read',
        client: 'client 9',
        name: 'r0',
        session,
        ...times,
        revision: 0,
        from: 0,
        hashes: [],
      };
      // No other read has seen anything: only the acknowledgements make this one wrong.
      return [...operations.filter((one) => !isRead(one)), late as Read];
    },
    /^client 9's read r0 of s-c\d+ was told revision 0, after client \d's (append|create) .+ had been acknowledged with event \d+$/,
  ],
  [
    'a read went back behind what another one had seen',
    (operations) => {
      const early = operations.find((one): one is Read => isRead(one) && one.revision > 1);
      if (!early) return undefined;
      const { session, returned } = early;
      const times = { invoked: returned + 0.1, returned: returned + 0.2 };
      const late = {
        kind: 'read',
        client: 'client 9',
        name: 'r0',
        session,
        ...times,
        revision: 1,
        from: 0,
        hashes: [],
      };
      // Nobody was told of an acknowledgement: only the other read makes this one wrong.
      const unknown = operations.map((one) => (isRead(one) ? one : { ...one, outcome: 'unknown' as const }));
      return [...unknown, late as Read];
    },
    /^client 9's read r0 of s-c\d+ was told revision 1, after client \d's read r\d+ had seen event \d+$/,
  ],
  [
    'two commands have one name',
    (operations) => {
      const [first] = operations.filter((one) => one.kind !== 'read');
      return first && [...operations, first];
    },
    /^the history has two commands called [ac]\d+$/,
  ],
];

function spoilt({ operations, logs }: History, spoil: Spoil): string[] | undefined {
  const copies: Logs = new Map([...logs].map(([session, log]) => [session, [...log]]));
  const after = spoil([...operations], copies);
  return after && checkHistory(after, copies);
}

describe('The checker of histories', () => {
  test('has nothing to say about a right history', () => {
    fc.assert(
      fc.property(histories, ({ operations, logs }) => expect(checkHistory(operations, logs)).toEqual([])),
    );
  });

  test('is tried on histories that have commands of every outcome and reads', () => {
    const all = fc.sample(histories, 40).flatMap(({ operations }) => operations);
    const outcomes = all.map((one) => (one.kind === 'read' ? 'read' : one.outcome));
    expect([...new Set(outcomes)].sort()).toEqual(['not_applied', 'ok', 'read', 'unknown']);
  });

  test.each(SPOILT)('finds that %s', (_what, spoil, sentence) => {
    let found = 0;
    fc.assert(
      fc.property(histories, (history) => {
        const faults = spoilt(history, spoil);
        fc.pre(faults !== undefined);
        found += 1;
        expect(faults).toContainEqual(expect.stringMatching(sentence));
      }),
      { numRuns: 40, maxSkipsPerRun: 100 },
    );
    expect(found).toBe(40);
  });

  test('checks 100,000 operations on one session in seconds, where a quadratic checker takes minutes', () => {
    // No further session is made, and reads see the last event alone.
    const wanted = (n: number) => n % 11 !== 0 && (n % 3 !== 0 || n % 2 === 1);
    const choices = Array.from({ length: 500_000 }, (_, n) => (n * 7_919) % 100_003).filter(
      (choice) => choice < 4 || wanted(Math.floor(choice / 4)),
    );
    const { operations, logs } = rightHistory(choices);
    expect(operations.length).toBeGreaterThan(100_000);
    const begun = performance.now();
    expect(checkHistory(operations, logs)).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
