/**
 * A client: one request after another until the server is gone or there is enough, each drawn from a random generator, each recorded with
 * what came of it. Any client changes any session; the status of one, only the client that made it, in the same round,
 * so that every change is one that the session allows.
 */

import type { Outcome } from '../history/history.js';
import { Random } from '../random.js';
import { type Command, creation, report } from './commands.js';
import { type Answer, Connection, type Reply } from './connection.js';
import type { Recorder } from './recorder.js';

/** Clients meet on the sessions made last; one command in so many goes to any session that there is. */
const MEETING_PLACES = 8;
const ANYWHERE_ONE_IN = 12;

/** Of a hundred requests these are commands; the others read. */
const COMMANDS = 70;

/** Who changes, who reads; else a client does both. */
export type Role = 'writer' | 'reader';

export interface ClientOptions {
  readonly seed: number;
  /** Of one client number in one round there is one client. */
  readonly round: number;
  readonly number: number;
  readonly url: string;
  readonly record: Recorder;
  readonly role?: Role;
  /** Asked before each request. Default: as long as the server is there. */
  readonly goesOn?: () => boolean;
}

export class Client {
  readonly name: string;
  readonly #connection: Connection;
  readonly #record: Recorder;
  /** The session that this client made last. */
  #own: { readonly session: string; status: string } | undefined;
  /** How many turns this client has had. */
  #turn = 0;
  /** Of this turn alone: what one draws does not change the next ones. */
  #random = new Random();
  #serverIsGone = false;

  constructor(private readonly options: ClientOptions) {
    this.name = `client-${options.number}`;
    this.#connection = new Connection(options.url);
    this.#record = options.record;
  }

  /** Ends when the server no longer answers, or the client is not to go on. */
  async run(): Promise<void> {
    const { goesOn = () => true } = this.options;
    while (!this.#serverIsGone && goesOn()) await this.#next();
    this.#connection.close();
  }

  async #next(): Promise<void> {
    this.#turn += 1;
    const { seed, round, number } = this.options;
    this.#random = new Random(seed, round, number, this.#turn);
    const kind = this.#drawKind();
    const session = this.#pick();
    if (kind < 6 || session === undefined) await this.#create();
    else if (kind < 20) await this.#moveOn(session);
    else if (kind < COMMANDS) await this.#append(session);
    else if (kind < 80) await this.#state(session);
    else if (kind < 88) await this.#audit(session);
    else if (kind < 96) await this.#events(session);
    else await this.#list();
  }

  #drawKind(): number {
    const { role } = this.options;
    if (role === 'reader') return COMMANDS + this.#random.below(100 - COMMANDS);
    return this.#random.below(role === 'writer' ? COMMANDS : 100);
  }

  #pick(): string | undefined {
    const { sessions } = this.#record;
    const anywhere = this.#random.below(ANYWHERE_ONE_IN) === 0;
    const back = this.#random.below(anywhere ? Math.max(1, sessions.length) : MEETING_PLACES);
    return sessions[Math.max(0, sessions.length - 1 - back)];
  }

  async #create(): Promise<void> {
    const name = this.#name();
    const answer = await this.#command('create', name, creation(name, this.name), 'POST', '/session/create');
    if (answer) this.#own = { session: answer.body.session_id, status: answer.body.status };
  }

  /** A report with a change of status, of the session that this client made last in this round. */
  async #moveOn(otherwise: string): Promise<void> {
    const own = this.#own;
    const answer = await (own ? this.#append(own.session, own.status) : this.#append(otherwise));
    if (own && answer) own.status = answer.body.status;
  }

  async #append(session: string, status?: string): Promise<Answer | undefined> {
    const name = this.#name();
    const command = report(name, this.#unique(), this.#random, status);
    return this.#command('append', name, command, 'PATCH', `/session/${session}`, session);
  }

  async #command(
    kind: 'create' | 'append',
    name: string,
    { body, events }: Command,
    method: string,
    path: string,
    session?: string,
  ): Promise<Answer | undefined> {
    const asked = { kind, client: this.name, name, session, events, invoked: this.#record.clock.now() };
    const reply = await this.#send(`${kind} ${name}`, method, path, body);
    const returned = this.#record.clock.now();
    const outcome = outcomeOf(reply);
    const answer = outcome === 'ok' ? (reply as Answer) : undefined;
    const told = answer && { revision: answer.revision, session: answer.body.session_id as string };
    await this.#record.write({ ...asked, returned, outcome, ...told });
    return answer;
  }

  async #state(session: string): Promise<void> {
    await this.#read(session, '', () => ({ from: 0, hashes: [] }));
  }

  async #audit(session: string): Promise<void> {
    const seen = await this.#read(session, '/audit', ({ body }) => ({
      from: body.data.revision - 1,
      hashes: [body.data.head],
    }));
    if (seen && seen.revision !== seen.body.data.revision)
      this.#record.faults.push(
        `${this.name}'s audit of ${session} had the ETag ${seen.revision} and the revision ${seen.body.data.revision}`,
      );
  }

  /** All pages; each is a read of its own, since others go on writing. */
  async #events(session: string): Promise<void> {
    const limit = 5 + this.#random.below(60);
    for (let after: number | null = -1; after !== null && !this.#serverIsGone; ) {
      const from: number = after + 1;
      const query: string = `?limit=${limit}${from > 0 ? `&after=${after}` : ''}`;
      const seen: Answer | undefined = await this.#read(session, `/events${query}`, ({ body }) => ({
        from,
        hashes: body.events.map(({ hash }: { hash: string }) => hash),
      }));
      after = seen?.body.next_after ?? null;
    }
  }

  async #read(
    session: string,
    what: string,
    see: (answer: Answer) => { from: number; hashes: readonly string[] },
  ): Promise<Answer | undefined> {
    const name = this.#name();
    const asked = {
      kind: 'read' as const,
      client: this.name,
      name,
      session,
      invoked: this.#record.clock.now(),
    };
    const reply = await this.#send(`read ${name}`, 'GET', `/session/${session}${what}`);
    if (outcomeOf(reply) !== 'ok') return undefined;
    const answer = reply as Answer;
    const { revision } = answer;
    this.#record.read({ ...asked, returned: this.#record.clock.now(), revision, ...see(answer) });
    return answer;
  }

  async #list(): Promise<void> {
    const name = this.#name();
    const asked = {
      kind: 'read' as const,
      client: this.name,
      name,
      invoked: this.#record.clock.now(),
    };
    const reply = await this.#send(
      `read ${name}`,
      'GET',
      `/session/list?limit=${5 + this.#random.below(20)}`,
    );
    if (outcomeOf(reply) !== 'ok') return;
    const returned = this.#record.clock.now();
    for (const { session_id: session, revision, status } of (reply as Answer).body.sessions) {
      if (status === 'corrupted')
        this.#record.faults.push(`${this.name}'s list ${name} shows ${session} as corrupted`);
      else this.#record.read({ ...asked, session, returned, revision, from: 0, hashes: [] });
    }
  }

  async #send(what: string, method: string, path: string, body?: object): Promise<Reply> {
    const reply = await this.#connection.send(method, path, body);
    if (typeof reply === 'string') this.#serverIsGone = true;
    else if (reply.status !== 200 && !isStopping(reply))
      this.#record.faults.push(
        `${this.name}'s ${what} (${method} ${path}) was answered ${reply.status}: ${JSON.stringify(reply.body)}`,
      );
    return reply;
  }

  /** Another number for each turn of all rounds, and the same one when the seed is used again. */
  #unique(): number {
    const { round, number } = this.options;
    return (round * 1_000 + number) * 100_000 + this.#turn;
  }

  #name(): string {
    return `${this.options.round}-${this.name}-${this.#turn}`;
  }
}

/** A store that is closing says that it did nothing. */
function isStopping({ status, body }: Answer): boolean {
  return status === 503 && body?.detail?.message === 'The store is closed';
}

function outcomeOf(reply: Reply): Outcome {
  if (reply === 'cut') return 'unknown';
  if (reply === 'not_sent') return 'not_applied';
  if (reply.status === 503) return reply.body?.detail?.details?.outcome ?? 'unknown';
  if (reply.status >= 500) return 'unknown';
  return reply.status === 200 ? 'ok' : 'not_applied';
}
