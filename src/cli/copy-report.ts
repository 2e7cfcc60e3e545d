/**
 * What a copy tells, while it goes on and at its end: problems on standard output as lines, or all of it there as one JSON
 * document; for people beside that, on standard error, how far it is, what was found, and the sum.
 */

import type { CopyOutcome, CopyPhase } from '../session/store/copy-sessions.js';
import type { CopyProblem } from '../session/store/session-copy.js';
import { explain } from './command-error.js';
import { NO_PROGRESS, type Progress, startProgress } from './progress.js';
import { count, duration, printable } from './text.js';

/** Of what is told beside the damage, so much of each kind is named. */
const NAMED = 10;

export class CopyReport {
  readonly #begun = performance.now();
  #progress: Progress = NO_PROGRESS;
  #phase: CopyPhase = 'copied';
  #total = 0;
  #problems = 0;
  #passedOver = 0;
  #notes = 0;
  #from = '';
  #to = '';
  /** Whether the JSON document is begun, and whether it is at its end. */
  #isOpen = false;
  #isClosed = false;

  constructor(private readonly json: boolean) {}

  /** Which stores it is about, as they are shown. */
  name(from: string, to: string): void {
    [this.#from, this.#to] = [from, to];
  }

  begin(goesOn: boolean, total: number): void {
    this.#total = total;
    if (goesOn) tell('a copy was begun before: going on with it');
    if (this.json) {
      process.stdout.write(
        `{"from":${JSON.stringify(this.#from)},"to":${JSON.stringify(this.#to)},"problems":[`,
      );
      this.#isOpen = true;
    }
    this.#startProgress();
  }

  progress(phase: CopyPhase, done: number): void {
    if (phase !== this.#phase) {
      this.#progress.stop();
      this.#phase = phase;
      this.#startProgress();
    }
    this.#progress.update(done, this.#problems > 0 ? count(this.#problems, 'problem') : '');
  }

  /** Damage is an outcome; what was found beside a log that is whole is for people. */
  problems(id: string, problems: readonly CopyProblem[], isDamaged: boolean): void {
    this.#progress.clear();
    for (const problem of problems) {
      if (isDamaged) this.#damage(id, problem);
      else this.#note(id, problem);
    }
  }

  passOver(path: string): void {
    this.#passedOver += 1;
    if (this.#passedOver > NAMED) return;
    this.#progress.clear();
    tell(`not copied, since it is no session: ${path}`);
  }

  end(outcome: CopyOutcome, storeId: string): void {
    this.#progress.stop();
    const ms = Math.round(performance.now() - this.#begun);
    if (this.json) this.#closeJson(sumOf(outcome, storeId, this.#passedOver, ms));
    for (const line of inWords(outcome, duration(ms), this.#to)) tell(line);
    if (this.#passedOver > 0) tell(`not copied: ${count(this.#passedOver, 'other thing')} in the folder`);
  }

  fail(error: unknown): void {
    this.#progress.stop();
    if (!this.json || this.#isClosed) return;
    const message = error instanceof Error ? error.message : String(error);
    const failure = { finished: false, error: explain(error).length === 1 ? explain(error)[0] : message };
    if (this.#isOpen) this.#closeJson(failure);
    else process.stdout.write(`${JSON.stringify(failure)}\n`);
    this.#isClosed = true;
  }

  #damage(id: string, { seq, kind, message }: CopyProblem): void {
    const separator = this.#problems > 0 ? ',' : '';
    this.#problems += 1;
    const line = `${[id, seq ?? '-', kind, printable(message)].join('\t')}\n`;
    const member = `${separator}\n${JSON.stringify({ session_id: id, seq, kind, message })}`;
    process.stdout.write(this.json ? member : line);
  }

  #note(id: string, { kind, message }: CopyProblem): void {
    this.#notes += 1;
    if (this.#notes > NAMED) return;
    tell(`${id}: ${kind}: ${message}; its events are whole, and copied without that`);
  }

  /** On a terminal a document that is being written and a line that is written over would be in each other's way. */
  #startProgress(): void {
    const quiet = this.json && process.stdout.isTTY;
    this.#progress = quiet ? NO_PROGRESS : startProgress(this.#phase, 'session', this.#total);
  }

  #closeJson(sum: object): void {
    this.#isClosed = true;
    process.stdout.write(`],${JSON.stringify(sum).slice(1)}\n`);
  }
}

/** A line for people on standard error. */
export function tell(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

function sumOf(outcome: CopyOutcome, storeId: string, passedOver: number, ms: number): object {
  const { finished, sessions, events, imported, copied, copiedAgain } = outcome;
  const { damaged, notCopyable, changed, sourceInUse } = outcome;
  return {
    finished,
    store_id: storeId,
    at_target: outcome.there,
    sessions,
    events,
    imported,
    copied_now: copied,
    copied_again: copiedAgain,
    damaged,
    not_copyable: notCopyable,
    changed,
    source_in_use: sourceInUse,
    not_looked_at: passedOver,
    ms,
  };
}

function inWords(outcome: CopyOutcome, time: string, to: string): string[] {
  const { finished, sessions, events, imported, copied, copiedAgain } = outcome;
  const { damaged, notCopyable, changed, sourceInUse } = outcome;
  const now = copied < sessions ? ` (${copied.toLocaleString('en')} of them now)` : '';
  const logs = imported > 0 ? `; ${count(imported, 'session')} of the Python component got a log` : '';
  const again =
    copiedAgain > 0
      ? `; ${count(copiedAgain, 'session')} had changed and ${copiedAgain === 1 ? 'was' : 'were'} copied again`
      : '';
  const left = [
    ...(damaged > 0 ? [`${damaged.toLocaleString('en')} damaged`] : []),
    ...(notCopyable > 0 ? [`${notCopyable.toLocaleString('en')} not copyable`] : []),
  ].join(', ');
  if (finished)
    return [
      `${count(sessions, 'session')}${now}, ${count(events, 'event')} copied to ${to} and verified in ${time}${again}${logs}${left && `; ${left}, left behind`}`,
    ];
  const lines = [
    `the copy is not finished: no server opens ${to} yet; ${count(outcome.there, 'session')} ${outcome.there === 1 ? 'is' : 'are'} there by now`,
  ];
  if (damaged > 0)
    lines.push(
      `${count(damaged, 'session')} ${damaged === 1 ? 'is' : 'are'} damaged and not copied: mend what can be mended and run the same command again, or finish without them (--leave-damaged)`,
    );
  if (notCopyable > 0)
    lines.push(
      `${count(notCopyable, 'session')} cannot be taken and ${notCopyable === 1 ? 'is' : 'are'} not copied: finish without (--leave-damaged)`,
    );
  const others = changed === 1 ? '1 session was' : `${changed.toLocaleString('en')} sessions were`;
  const found = changed > 0 ? `${others} not the same when they were compared` : '';
  if (sourceInUse)
    lines.push(
      `the source was written to meanwhile${found && ` (${found})`}: stop who uses it, and run the same command again`,
    );
  else if (found) lines.push(`${found}: stop who uses the source, and run the same command again`);
  return lines;
}
