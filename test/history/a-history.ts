/**
 * Right histories for the tests of the checker: a small store in memory that does one thing after another, used by
 * clients whose operations overlap. A list of numbers decides what happens next, so that fast-check can shrink it.
 */

import { describeEvent, type LoggedEvent, type Operation, type Outcome } from './history.js';

export interface History {
  readonly operations: readonly Operation[];
  readonly logs: ReadonlyMap<string, readonly LoggedEvent[]>;
}

const CLIENTS = 4;

/** An operation under way: what it still has to do, one step at a time. */
interface UnderWay {
  /** Takes effect in the store; empty when that is done. */
  effect: (() => void) | undefined;
  finish(returned: number): Operation;
}

export function rightHistory(choices: readonly number[]): History {
  const logs = new Map<string, LoggedEvent[]>();
  const operations: Operation[] = [];
  const busy: (UnderWay | undefined)[] = Array.from({ length: CLIENTS });
  let time = 0;
  let count = 0;
  const begin = (client: string, choice: number): UnderWay => {
    count += 1;
    const sessions = [...logs.keys()];
    const session = sessions[choice % Math.max(1, sessions.length)];
    if (session === undefined || choice % 11 === 0)
      return beginCreate(logs, client, `c${count}`, time, choice);
    if (choice % 3 === 0) return beginRead(logs, session, client, `r${count}`, time, choice);
    return beginAppend(logs, session, client, `a${count}`, time, choice);
  };
  for (const [step, choice] of choices.entries()) {
    time = step;
    const who = choice % CLIENTS;
    const running = busy[who];
    if (!running) busy[who] = begin(`client ${who}`, Math.floor(choice / CLIENTS));
    else if (running.effect) {
      running.effect();
      running.effect = undefined;
    } else {
      operations.push(running.finish(time));
      busy[who] = undefined;
    }
  }
  for (const [who, running] of busy.entries()) {
    if (running) operations.push(running.finish(choices.length + who));
  }
  return { operations, logs };
}

/** What comes of a command whose effect was (or was not yet) there when its answer came. */
function outcomeOf(choice: number, done: boolean): Outcome {
  if (choice % 7 === 1) return 'unknown';
  if (!done) return choice % 2 === 0 ? 'not_applied' : 'unknown';
  return 'ok';
}

type Logs = Map<string, LoggedEvent[]>;

function put(logs: Logs, session: string, command: string, events: readonly string[]): number {
  const log = logs.get(session) ?? [];
  for (const what of events)
    log.push({ seq: log.length, hash: `${session}/${log.length}/${command}`, command, what });
  logs.set(session, log);
  return log.length;
}

function beginCreate(logs: Logs, client: string, name: string, invoked: number, choice: number): UnderWay {
  const events = [describeEvent('session_created', { name })];
  let revision = 0;
  const effect = () => {
    revision = put(logs, `s-${name}`, name, events);
  };
  const finish = (returned: number): Operation => {
    const outcome = outcomeOf(choice, revision > 0);
    const told = outcome === 'ok' ? { session: `s-${name}`, revision } : {};
    return { kind: 'create', client, name, events, invoked, returned, outcome, ...told };
  };
  return { effect, finish };
}

function beginAppend(
  logs: Logs,
  session: string,
  client: string,
  name: string,
  invoked: number,
  choice: number,
): UnderWay {
  const events = Array.from({ length: 1 + (choice % 3) }, (_, n) => describeEvent('step', { name, n }));
  let revision = 0;
  const refused = choice % 13 === 0;
  const effect = () => {
    if (!refused) revision = put(logs, session, name, events);
    // As after a torn tail: an event that nobody asked for and the store adds.
    if (choice % 17 === 0) {
      const log = logs.get(session) as LoggedEvent[];
      log.push({
        seq: log.length,
        hash: `${session}/${log.length}`,
        command: null,
        what: 'log_recovered {}',
      });
    }
  };
  const finish = (returned: number): Operation => {
    const outcome = outcomeOf(choice, revision > 0);
    const told = outcome === 'ok' ? { revision } : {};
    return { kind: 'append', client, name, session, events, invoked, returned, outcome, ...told };
  };
  return { effect, finish };
}

function beginRead(
  logs: Logs,
  session: string,
  client: string,
  name: string,
  invoked: number,
  choice: number,
): UnderWay {
  const log = logs.get(session) as LoggedEvent[];
  let revision = log.length;
  const effect = () => {
    revision = log.length;
  };
  const finish = (returned: number): Operation => {
    const from = choice % 2 === 0 ? 0 : revision - 1;
    const hashes = log.slice(from, revision).map(({ hash }) => hash);
    return { kind: 'read', client, name, session, invoked, returned, revision, from, hashes };
  };
  return { effect, finish };
}
