/** What another Nest module can do with an injected SessionService, over a real store in a temporary folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type INestApplicationContext, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  BaseComponent,
  type JsonValue,
  SessionCreateRequest,
  SessionModule,
  type SessionModuleOptions,
  SessionService,
  SessionStore,
  SessionValidationError,
  StoreOpenError,
} from '../src/session/index.js';
import { FileStore } from '../src/session/store/file/file-store.js';

const BORN = new Date('2024-01-15T10:30:45.123Z');

let folder: string;
let app: INestApplicationContext | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sessions-'));
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function serviceWith(options: Partial<SessionModuleOptions> = {}): Promise<SessionService> {
  const store = { kind: 'file' as const, path: folder };
  app = await NestFactory.createApplicationContext(SessionModule.forRoot({ store, ...options }), {
    logger: false,
    abortOnError: false,
  });
  return app.get(SessionService);
}

describe('a session made in process', () => {
  test('takes id and time from one reading of the clock', async () => {
    let readings = 0;
    const now = () => {
      readings++;
      return BORN;
    };
    const sessions = await serviceWith({ now, randomSuffix: () => 'a1b2c3' });
    const made = await sessions.process({ user_id: 'analyst@company.com' });
    expect(readings).toBe(1);
    expect({ ...made }).toEqual({
      session_id: 'sess_20240115_103045_a1b2c3',
      created_at: '2024-01-15T10:30:45.123Z',
      status: 'created',
      audit_path: `${folder}/2024-01-15/sess_20240115_103045_a1b2c3`,
      user_id: 'analyst@company.com',
    });
    expect(made.revision).toBe(1);
  });

  test('has another id than a thousand made in the same frozen second from 11 random bits', async () => {
    const sessions = await serviceWith({
      now: () => BORN,
      randomSuffix: () =>
        Math.floor(Math.random() * 2_048)
          .toString(16)
          .padStart(6, '0'),
    });
    const made = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => sessions.process({ user_id: `u${n}` })),
    );
    expect(new Set(made.map((one) => one.session_id)).size).toBe(1_000);
    expect(await readdir(join(folder, '2024-01-15'))).toHaveLength(1_000);
    const kept = await Promise.all(made.map((one) => sessions.getSession(one.session_id)));
    expect(kept.map((one) => one.user_id)).toEqual(made.map((_, n) => `u${n}`));
  });

  test('is refused with a clear error when every id of its second is taken', async () => {
    let suffix = 0;
    const sessions = await serviceWith({
      now: () => BORN,
      randomSuffix: () => (suffix++ % 8).toString(16).padStart(6, '0'),
    });
    for (let n = 0; n < 8; n++) await sessions.process();
    await expect(sessions.process()).rejects.toMatchObject({
      code: 'StoreUnavailableError',
      message: 'No free session id was found in this second',
      details: { outcome: 'not_applied' },
    });
  });

  test('is a component’s main job', async () => {
    const sessions = await serviceWith();
    expect(sessions).toBeInstanceOf(BaseComponent);
    expect(sessions.componentName).toBe('session');
    expect(await sessions.healthCheck()).toEqual({
      component: 'session',
      status: 'healthy',
      store: { writable: true },
    });
    await app?.close();
    app = undefined;
    expect(await sessions.healthCheck()).toMatchObject({
      status: 'unhealthy',
      reason: 'the store is closed',
    });
  });
});

describe('a component that reports', () => {
  let sessions: SessionService;
  let id: string;
  beforeEach(async () => {
    sessions = await serviceWith();
    id = (await sessions.process(new SessionCreateRequest())).session_id;
  });
  const types = async () => (await sessions.events(id)).events.map((event) => event.type).slice(1);

  test('moves the status, in its name and for a reason', async () => {
    const moved = await sessions.updateStatus(id, 'requirement_submitted', {
      actor: 'intake',
      reason: 'by mail',
    });
    expect(moved).toMatchObject({ status: 'requirement_submitted', revision: 2 });
    expect((await sessions.events(id)).events[1]).toMatchObject({
      actor: 'intake',
      data: { from: 'created', to: 'requirement_submitted', reason: 'by mail' },
    });
  });

  test('completes a step with its time and its output as one change', async () => {
    await sessions.completeStep(
      id,
      'search',
      { durationMs: 12.6, output: { found: 3 } },
      { actor: 'search' },
    );
    const { events } = await sessions.events(id);
    expect(events.slice(1).map(({ type, data }) => [type, data.part, data.parts])).toEqual([
      ['output_recorded', 1, 3],
      ['timing_recorded', 2, 3],
      ['step_completed', 3, 3],
    ]);
    const audit = await sessions.getAudit(id);
    expect(audit).toMatchObject({ steps_completed: ['search'], timing: { search_ms: 13 } });
    expect(audit.data).toMatchObject({ outputs: { search: { found: 3 } } });
  });

  test('cannot change through one session what all the others begin with', async () => {
    const { steps_completed, data } = await sessions.getAudit(id);
    expect(() => (steps_completed as string[]).push('x')).toThrow(TypeError);
    expect(() => Object.assign(data.outputs as object, { x: 1 })).toThrow(TypeError);
    const other = await sessions.process();
    expect((await sessions.getAudit(other.session_id)).steps_completed).toEqual([]);
  });

  test('keeps what it handed in as it was then, and cannot change what it is shown', async () => {
    const found = { modules: ['a'] };
    const patch = { outputs: { found }, stepsCompleted: ['s'], labels: { a: '1' } };
    await sessions.update(id, patch);
    found.modules.push('b');
    patch.labels.a = '2';
    patch.stepsCompleted.push('t');
    const { data, steps_completed } = await sessions.getAudit(id);
    expect(data).toMatchObject({ outputs: { found: { modules: ['a'] } }, labels: { a: '1' } });
    const shown = data as unknown as { outputs: { found: { modules: string[] } } };
    expect(() => shown.outputs.found.modules.push('c')).toThrow(TypeError);
    expect(() => Object.assign(shown.outputs, { more: 1 })).toThrow(TypeError);
    expect(() => (steps_completed as string[]).push('u')).toThrow(TypeError);
    const [, first] = (await sessions.events(id)).events;
    expect(() => Object.assign(first!.data, { name: 'x' })).toThrow(TypeError);
  });

  test('records times under names that end in _ms, and outputs under their own', async () => {
    await sessions.recordTiming(id, 'search', 1250);
    await sessions.recordTiming(id, 'effort_ms', 7);
    await sessions.recordOutput(id, 'search', ['a', null, 1.5]);
    const { timing, data } = await sessions.getAudit(id);
    expect(timing).toEqual({ search_ms: 1250, effort_ms: 7 });
    expect(data.outputs).toEqual({ search: ['a', null, 1.5] });
  });

  test('measures a step: its result comes back, its time and its completion are kept', async () => {
    expect(await sessions.measure(id, 'search', async () => 42, { actor: 'search' })).toBe(42);
    const audit = await sessions.getAudit(id);
    expect(audit.steps_completed).toEqual(['search']);
    expect(audit.timing.search_ms).toBeGreaterThanOrEqual(0);
  });

  test('measures under one name, completes the step of another, and keeps what it is told to', async () => {
    interface Found {
      modules: string[];
    }
    const find = (): Found => ({ modules: ['a', 'b'] });
    const options = { actor: 'modules', step: 'modules_generated', output: (found: Found) => found };
    expect(await sessions.measure(id, 'modules', find, options)).toEqual({ modules: ['a', 'b'] });
    const audit = await sessions.getAudit(id);
    expect(audit.steps_completed).toEqual(['modules_generated']);
    expect(Object.keys(audit.timing)).toEqual(['modules_ms']);
    expect(audit.data.outputs).toEqual({ modules: { modules: ['a', 'b'] } });
    expect((await types()).length).toBe(3);
  });

  test('names the actor as the component that failed, unless the error names one', async () => {
    await sessions.fail(id, new Error('x'), { actor: 'search' });
    expect((await sessions.getAudit(id)).data.error).toMatchObject({ component: 'search' });
    const other = (await sessions.process()).session_id;
    const failing = sessions.measure(other, 'a', () => Promise.reject(new StoreOpenError('held', 'x')), {
      actor: 'b',
    });
    await expect(failing).rejects.toThrow('x');
    expect((await sessions.getAudit(other)).data.error).toMatchObject({ component: 'session' });
  });

  test('measures a step that throws: the session fails with its cause, and the same error is thrown on', async () => {
    const mine = new RangeError('no such module');
    const failing = sessions.measure(id, 'modules', () => {
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    const { status, data, steps_completed, timing } = await sessions.getAudit(id);
    expect({ status, steps_completed }).toEqual({ status: 'error', steps_completed: [] });
    expect(Object.keys(timing)).toEqual(['modules_ms']);
    expect(data.error).toEqual({
      error: 'RangeError',
      message: 'no such module',
      component: null,
      details: {},
    });
  });

  test('measures a step that throws when the failure cannot be recorded: its error still comes first', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const mine = new Error('mine');
    const failing = sessions.measure('sess_20240115_103045_ffffff', 'modules', () => Promise.reject(mine));
    await expect(failing).rejects.toBe(mine);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('could not be recorded'));
    logged.mockRestore();
  });

  test.each([
    ['an error with a code of its own', new SessionValidationError([]), 'SessionValidationError'],
    ['a text', 'just a text', 'Error'],
    ['nothing', undefined, 'Error'],
    ['an error whose name is none', Object.assign(new Error('x'), { name: 'a\nb' }), 'Error'],
    ['an error whose message is a number', Object.assign(new Error('x'), { message: 7 }), 'Error'],
    ['an error whose component is none', Object.assign(new Error('x'), { component: '' }), 'Error'],
    [
      'an error with details that JSON cannot carry',
      Object.assign(new Error('x'), { details: { n: 1n } }),
      'Error',
    ],
    [
      'an error with a megabyte of details',
      Object.assign(new Error('x'), { details: { x: 'y'.repeat(1e6) } }),
      'Error',
    ],
    ['something that cannot be made a text', Object.create(null), 'Error'],
    ['something that throws when it is looked at', throwing(), 'Error'],
    ['an error with half a character', new Error('x\ud800'), 'Error'],
    ['an error that is cut through a character', new Error(`${'x'.repeat(8_191)}\u{1f49a}y`), 'Error'],
    ['an error without a message', new TypeError(), 'TypeError'],
  ])('fails with %s', async (_, thrown, name) => {
    expect(await sessions.fail(id, thrown, { actor: 'effort' })).toMatchObject({ status: 'error' });
    const { data } = await sessions.getAudit(id);
    expect(data.error).toMatchObject({ error: name, message: expect.stringMatching(/./) });
    expect((data.error as { message: string }).message.isWellFormed()).toBe(true);
    expect(await sessions.fail(id, thrown, { actor: 'effort' })).toMatchObject({ revision: 2 });
  });

  test('fails again with another cause: the trail keeps both, the latest is shown', async () => {
    await sessions.fail(id, new Error('first'));
    await sessions.fail(id, new RangeError('second'));
    await sessions.fail(id, new RangeError('second'));
    expect(await types()).toEqual(['status_changed', 'failure_recorded']);
    expect((await sessions.getAudit(id)).data.error).toMatchObject({
      error: 'RangeError',
      message: 'second',
    });
  });

  test('is decided on as it was handed in, whatever its owner does to it meanwhile', async () => {
    const value: Record<string, unknown> = { a: 1 };
    const steps = ['s'];
    const labels: Record<string, string> = { team: 'x' };
    const waiting = [
      sessions.recordOutput(id, 'o', value),
      sessions.update(id, { stepsCompleted: steps }),
      sessions.process({ labels }),
    ] as const;
    value.bad = new Date();
    value.me = value;
    steps.push('x\ny', '__proto__');
    labels['Not A Key'] = 'y';
    const [, , made] = await Promise.all(waiting);
    const { data, steps_completed } = await sessions.getAudit(id);
    expect(data.outputs).toEqual({ o: { a: 1 } });
    expect(steps_completed).toEqual(['s']);
    expect((await sessions.getAudit(made.session_id)).data.labels).toEqual({ team: 'x' });
  });

  test('measures a step whose output cannot be made: it fails as if the step had thrown', async () => {
    const output = () => {
      throw new TypeError('no output');
    };
    await expect(sessions.measure(id, 'a', () => 1, { output })).rejects.toThrow('no output');
    expect(await sessions.getSession(id)).toMatchObject({ status: 'error' });
  });

  test('measures nothing under a name that cannot be recorded: the step is not run', async () => {
    let ran = false;
    const run = () => {
      ran = true;
    };
    await expect(sessions.measure(id, '', run)).rejects.toBeInstanceOf(SessionValidationError);
    expect(ran).toBe(false);
  });

  test('expects a revision, and is told when the session has moved on', async () => {
    const { revision } = await sessions.completeStep(id, 'a');
    await sessions.completeStep(id, 'b', {}, { expectedRevision: revision });
    await expect(sessions.completeStep(id, 'c', {}, { expectedRevision: revision })).rejects.toMatchObject({
      code: 'SessionConflictError',
      details: { expected: 2, actual: 3 },
    });
  });

  test('asks for the same again, and nothing happens', async () => {
    const once = await sessions.completeStep(id, 'a', { durationMs: 5, output: { x: 1 } });
    const twice = await sessions.completeStep(id, 'a', { durationMs: 5, output: { x: 1 } });
    expect(twice.revision).toBe(once.revision);
    expect(await sessions.updateStatus(id, 'created')).toMatchObject({ revision: once.revision });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['a status that the lifecycle does not know', () => sessions.updateStatus(id, 'done'), 'status'],
    ['a timing that is no number', () => sessions.recordTiming(id, 'a', Number.NaN), 'timing.a_ms'],
    ['a timing that is negative', () => sessions.recordTiming(id, 'a', -1), 'timing.a_ms'],
    [
      'an output that JSON cannot carry',
      () => sessions.recordOutput(id, 'a', new Date() as never),
      'outputs.a',
    ],
    [
      'an output that writes itself as another',
      () => sessions.recordOutput(id, 'a', asAnother()),
      'outputs.a',
    ],
    [
      'an array with members',
      () => sessions.recordOutput(id, 'a', Object.assign([1], { b: 2 })),
      'outputs.a',
    ],
    ['a timing that is null', () => sessions.recordTiming(id, 'a', null as never), 'timing.a_ms'],
    ['a timing that is a text', () => sessions.recordTiming(id, 'a', '12' as never), 'timing.a_ms'],
    ['an output with a hole', () => sessions.recordOutput(id, 'a', new Array(1)), 'outputs.a'],
    [
      'an output with an undefined member',
      () => sessions.recordOutput(id, 'a', { b: undefined }),
      'outputs.a.b',
    ],
    ['an output with a cycle', () => sessions.recordOutput(id, 'a', cycle()), 'outputs.a.me'],
    ['an output with half a character', () => sessions.recordOutput(id, 'a', { b: '\ud800' }), 'outputs.a.b'],
    ['a name that is half a character', () => sessions.recordOutput(id, '\ud800', 1), 'outputs'],
    ['a step that is half a character', () => sessions.completeStep(id, '\udc00'), 'steps_completed.0'],
    [
      'an actor that is half a character',
      () => sessions.completeStep(id, 'a', {}, { actor: '\ud800' }),
      'actor',
    ],
    ['a step without a name', () => sessions.completeStep(id, ''), 'steps_completed.0'],
    [
      'an actor that is too long',
      () => sessions.completeStep(id, 'a', {}, { actor: 'x'.repeat(257) }),
      'actor',
    ],
    ['an error that is no failure', () => sessions.update(id, { error: someFailure }), 'error'],
    ['a reason for nothing', () => sessions.update(id, {}, { reason: 'why not' }), 'reason'],
    ['a page that is too long', () => sessions.list({ limit: 501 }), 'query.limit'],
    ['a numbered page that is too long', () => sessions.listPage({ limit: 501 }), 'query.limit'],
    ['a numbered page before the first', () => sessions.listPage({ offset: -1 }), 'query.offset'],
    ['statistics of a word without letters', () => sessions.stats({ q: '!' }), 'query.q'],
    ['a page of events that is too long', () => sessions.events(id, { limit: 0 }), 'limit'],
    ['a user that is a number', () => sessions.process({ user_id: 7 as never }), 'user_id'],
  ])('is refused with %s, by the place of the fault, and nothing is written', async (_, command, place) => {
    const error = await command().then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(SessionValidationError);
    expect(error.faults[0].loc.join('.').startsWith(place)).toBe(true);
    expect(await types()).toEqual([]);
  });

  test('is told by name when there is no such session', async () => {
    const missing = 'sess_20240115_103045_ffffff';
    const notFound = { code: 'SessionNotFoundError', details: { session_id: missing } };
    await expect(sessions.getSession(missing)).rejects.toMatchObject(notFound);
    await expect(sessions.getAudit(missing)).rejects.toMatchObject(notFound);
    await expect(sessions.updateStatus(missing, 'error')).rejects.toMatchObject(notFound);
    await expect(sessions.events(missing)).rejects.toMatchObject(notFound);
    await expect(sessions.remove(missing)).rejects.toMatchObject(notFound);
    await expect(sessions.fail('a\nb', 'x')).rejects.toMatchObject({ message: 'Session a\ufffdb not found' });
  });

  test('removes a session', async () => {
    await sessions.remove(id);
    await expect(sessions.getSession(id)).rejects.toMatchObject({ code: 'SessionNotFoundError' });
  });
});

describe('the module', () => {
  @Injectable()
  class Component {
    constructor(readonly sessions: SessionService) {}
  }

  test('is told its options by a factory that may wait and inject', async () => {
    const PATH = Symbol('PATH');
    @Module({ providers: [{ provide: PATH, useFactory: async () => folder }], exports: [PATH] })
    class Settings {}
    @Module({
      imports: [
        SessionModule.forRootAsync({
          imports: [Settings],
          inject: [PATH],
          useFactory: async (path: string) => ({ store: { kind: 'file', path } }),
        }),
      ],
      providers: [Component],
    })
    class App {}
    app = await NestFactory.createApplicationContext(App, { logger: false });
    const made = await app.get(Component).sessions.process();
    expect(made.audit_path.startsWith(folder)).toBe(true);
  });

  test('is everywhere when it is global, and nowhere uninvited when it is not', async () => {
    @Module({ providers: [Component] })
    class Feature {}
    const store = { kind: 'file' as const, path: folder };
    const start = (isGlobal: boolean) => {
      @Module({ imports: [SessionModule.forRoot({ store, isGlobal }), Feature] })
      class App {}
      return NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    };
    await expect(start(false)).rejects.toThrow(/SessionService/);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    folder = await mkdtemp(join(tmpdir(), 'sessions-'));
    app = await NestFactory.createApplicationContext(
      (() => {
        @Module({
          imports: [
            SessionModule.forRoot({ store: { kind: 'file', path: folder }, isGlobal: true }),
            Feature,
          ],
        })
        class App {}
        return App;
      })(),
      { logger: false },
    );
    expect(app.get(Component).sessions).toBeInstanceOf(SessionService);
  });

  test('leaves the routes out when it is told to', async () => {
    const store = { kind: 'file' as const, path: folder };
    const bare = await NestFactory.create(SessionModule.forRoot({ store, routes: false }), { logger: false });
    app = bare;
    await bare.listen(0, '127.0.0.1');
    const answer = await fetch(`${await bare.getUrl()}/session/list`);
    expect(answer.status).toBe(404);
  });

  test('maps its errors by itself in an application that set up nothing', async () => {
    const store = { kind: 'file' as const, path: folder };
    const bare = await NestFactory.create(SessionModule.forRoot({ store }), { logger: false });
    app = bare;
    await bare.listen(0, '127.0.0.1');
    const url = `${await bare.getUrl()}/session`;
    const missing = await fetch(`${url}/sess_20240115_103045_ffffff`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ detail: { error: 'SessionNotFoundError' } });
    const post = (body: string) =>
      fetch(`${url}/create`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect((await post('{"user_id": 7}')).status).toBe(422);
    expect((await post('{"user_id": "me"}')).status).toBe(200);
    expect((await post('{"labels": {"a": {"__proto__": 1}}}')).status).toBe(422);
  });

  test('works with another lifecycle', async () => {
    const lifecycle = {
      initial: 'open',
      failure: 'broken',
      transitions: { open: ['done', 'broken'], done: [], broken: [] },
    };
    const sessions = await serviceWith({ lifecycle });
    const { session_id: id, status } = await sessions.process();
    expect(status).toBe('open');
    expect(await sessions.updateStatus(id, 'done')).toMatchObject({ status: 'done' });
    const other = await sessions.process();
    expect(await sessions.fail(other.session_id, 'x')).toMatchObject({ status: 'broken' });
  });

  test('does not start with a lifecycle that leads nowhere', async () => {
    const lifecycle = { initial: 'open', failure: 'broken', transitions: { open: ['done'] } };
    await expect(serviceWith({ lifecycle })).rejects.toThrow(/"broken", "done"/);
  });

  test('does not start on a folder that it has open already, and says what to do in one line', async () => {
    const holding = await FileStore.open({ path: folder });
    const failing = serviceWith();
    await expect(failing).rejects.toBeInstanceOf(StoreOpenError);
    await expect(failing).rejects.toThrow(
      new RegExp(`^The data folder ${folder} is open in this process \\(${process.pid}\\) already: [^\\n]*$`),
    );
    await holding.close();
  });

  test('takes a store that it is given, and leaves it to its owner to close', async () => {
    const store = await FileStore.open({ path: folder });
    const sessions = await serviceWith({ store });
    const { session_id: id } = await sessions.process();
    await app?.close();
    app = undefined;
    expect(store).toBeInstanceOf(SessionStore);
    expect(await store.read(id)).toBeDefined();
    await store.close();
  });
});

const someFailure = { error: 'Error', message: 'x', component: null, details: {} };

function throwing(): unknown {
  const handler: ProxyHandler<object> = {
    get() {
      throw new Error('do not look');
    },
  };
  return new Proxy({}, handler);
}

function asAnother(): object {
  return Object.create({ toJSON: () => 'another' });
}

function cycle(): JsonValue {
  const value: Record<string, unknown> = {};
  value.me = value;
  return value as JsonValue;
}
