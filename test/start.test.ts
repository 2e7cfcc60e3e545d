/**
 * The server as a process: that it starts with nothing configured, stops when it is told to, comes back after it was
 * killed, and says in one line what to do when it cannot start. What is other over a database: test/postgres/process.test.ts.
 */

import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FileStore } from '../src/session/store/file/file-store.js';
import { systemFiles } from '../src/session/store/file/system-files.js';
import { createSession, expectRefusal, folder, port, run, serve } from './server-process.js';

/** Asks again as soon as it was answered, over one connection; resolves with the code of what ended that. */
async function askForEver(url: string): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (;;) {
      const [answer] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

describe('the server', () => {
  test('starts in an empty folder with nothing configured, and makes its data folder', async () => {
    const { url, output } = await serve();
    const id = await createSession(url);
    const day = `${id.slice(5, 9)}-${id.slice(9, 11)}-${id.slice(11, 13)}`;
    expect(existsSync(join(folder, 'data/sessions', day, id, 'events.jsonl'))).toBe(true);
    const { audit_path } = (await (await fetch(`${url}/session/${id}`)).json()) as { audit_path: string };
    expect(audit_path).toBe(`data/sessions/${day}/${id}`);
    expect(output.stderr).toBe('');
  });

  test('says where it serves, and where its routes are described', async () => {
    const { url, output } = await serve();
    expect(output.stdout).toContain(`${url} from data/sessions; routes: ${url}/docs`);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
  });

  test.each([
    ['127.0.0.1', 'http://127.0.0.1:', 0],
    ['localhost', 'http://(127\\.0\\.0\\.1|\\[::1\\]):', 0],
    ['0.0.0.0', 'http://0.0.0.0:', 1],
  ])('says at which address it is: with HOST=%s', async (HOST, address, warnings) => {
    const { output } = await serve({ HOST });
    expect(output.stdout).toMatch(new RegExp(` serves ${address}\\d+ from`));
    const warned = output.stdout.split('\n').filter((line) => line.includes('"level":40'));
    expect(warned).toHaveLength(warnings);
    for (const line of warned) expect(line).toMatch(/HOST=0\.0\.0\.0 .*no authentication/);
  });

  test('reads .env, and what is set already wins', async () => {
    writeFileSync(join(folder, '.env'), 'API_PREFIX=/from-file\nDATA_SESSIONS_PATH=from-file\nPORT=1\n');
    const { url } = await serve({ API_PREFIX: '/api/v1' });
    expect((await fetch(`${url}/api/v1/session/list`)).status).toBe(200);
    expect(existsSync(join(folder, 'from-file/.store/format.json'))).toBe(true);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('stops at %s, and lets go of its data folder', async (signal) => {
    const first = await serve();
    const id = await createSession(first.url);
    const told = Date.now();
    first.process.kill(signal);
    expect(await first.ended).toBe(0);
    expect(Date.now() - told).toBeLessThan(5_000);
    expect(readFileSync(join(folder, 'data/sessions/.store/lock'), 'utf8')).toBe('');
    expect(first.output.stderr).toBe('');
    const second = await serve();
    expect((await fetch(`${second.url}/session/${id}`)).status).toBe(200);
  });

  test('stops within ten seconds when a client has sent half a request', async () => {
    const { url, process: server, ended } = await serve();
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    client.on('error', () => undefined);
    client.write(
      'POST /session/create HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n{',
    );
    // The server has seen the request when it asks for the rest of it.
    await once(client, 'data');
    const told = Date.now();
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(Date.now() - told).toBeLessThan(10_000);
    client.destroy();
  });

  test('stops soon when clients go on asking over connections that they keep', async () => {
    const { url, process: server, ended } = await serve();
    await Promise.all(Array.from({ length: 50 }, () => createSession(url)));
    const clients = Array.from({ length: 12 }, () => askForEver(`${url}/session/list`));
    // All are asking, most of them are waiting for an answer, when the signal comes.
    for (let asked = 0; asked < 10; asked++) await fetch(`${url}/session/list`);
    const told = Date.now();
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
    // Before the grace is over, at whose end connections are cut in the middle of a request.
    expect(Date.now() - told).toBeLessThan(4_000);
    expect(await Promise.all(clients)).toEqual(clients.map(() => expect.stringMatching(/^ECONN/)));
  });

  test('comes back after it was killed, with every session that it had confirmed', async () => {
    const first = await serve();
    const ids = await Promise.all(Array.from({ length: 20 }, () => createSession(first.url)));
    first.process.kill('SIGKILL');
    await first.ended;
    const second = await serve();
    for (const id of ids) expect((await fetch(`${second.url}/session/${id}/audit`)).status).toBe(200);
    expect(second.output.stderr).toBe('');
  });
});

/** Options for Node with which a package cannot be imported, as if it were not installed. */
function without(name: string): string {
  const hook = `
    export async function resolve(specifier, context, next) {
      if (specifier !== '${name}') return next(specifier, context);
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    }`;
  const url = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
  const registering = `import { register } from 'node:module'; register(${JSON.stringify(url(hook))});`;
  return `--import=${url(registering)}`;
}

describe('the server does not start, and says what to do, when', () => {
  const write = (path: string, content: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  };

  test('its data folder cannot be written to', async () => {
    mkdirSync(join(folder, 'sessions'));
    chmodSync(join(folder, 'sessions'), 0o555);
    // Root may write everywhere; without these two capabilities it is a user like others.
    const asUser = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all', '--'];
    const through = process.getuid?.() === 0 ? asUser : [];
    const refused = run({ PORT: await port(), DATA_SESSIONS_PATH: 'sessions' }, through);
    await expectRefusal(
      refused,
      /data folder .+ cannot be written to .*EACCES.*(write access|DATA_SESSIONS_PATH)/,
    );
  });

  test('its data folder is a file', async () => {
    write('sessions', 'text');
    const refused = run({ PORT: await port(), DATA_SESSIONS_PATH: 'sessions' });
    await expectRefusal(refused, /sessions .*(a file|no folder|not a folder).*DATA_SESSIONS_PATH/);
  });

  test('another process holds its data folder, which stays unharmed', async () => {
    const holder = await serve();
    const id = await createSession(holder.url);
    const refused = run({ PORT: await port() });
    await expectRefusal(
      refused,
      new RegExp(`held by process ${holder.process.pid} on .+ stop that one.+DATA_SESSIONS_PATH`),
    );
    expect((await fetch(`${holder.url}/session/${id}`)).status).toBe(200);
    await createSession(holder.url);
  });

  test.each([
    ['format 2', '{"format":2,"store_id":"a"}', /format 2.*format 1/],
    ['no JSON', '{"format":', /format\.json cannot be read.*restore/],
    ['an empty file', '', /format\.json cannot be read.*restore/],
    ['a list', '[]', /format\.json cannot be read.*restore/],
    ['format 1 without an id', '{"format":1}', /format\.json (?!names format 1).*restore/],
  ])('its format.json is of %s, and leaves it as it is', async (_what, content, line) => {
    write('data/sessions/.store/format.json', content);
    await expectRefusal(run({ PORT: await port() }), line);
    expect(readFileSync(join(folder, 'data/sessions/.store/format.json'), 'utf8')).toBe(content);
  });

  test('its format.json is gone while there are sessions', async () => {
    const first = await serve();
    await createSession(first.url);
    first.process.kill('SIGTERM');
    await first.ended;
    const format = join(folder, 'data/sessions/.store/format.json');
    rmSync(format);
    await expectRefusal(run({ PORT: await port() }), /has lost .+format\.json.*restore/);
    expect(existsSync(format)).toBe(false);
  });

  test('its port is taken, and lets go of its data folder', async () => {
    const PORT = await port(true);
    await expectRefusal(run({ PORT }), new RegExp(`127\\.0\\.0\\.1:${PORT} is taken.*PORT`));
    expect(readFileSync(join(folder, 'data/sessions/.store/lock'), 'utf8')).toBe('');
  });

  test.each(['192.0.2.1', 'no-such-host.invalid'])(
    'its HOST is %s, which is not of this machine',
    async (HOST) => {
      await expectRefusal(run({ PORT: await port(), HOST }), /HOST .*127\.0\.0\.1/);
    },
  );

  test.each([
    ['express', '@nestjs/platform-express', 'npm install @nestjs/platform-express'],
    ['fastify', '@nestjs/platform-fastify', 'npm install @nestjs/platform-fastify @fastify/static'],
    ['fastify', '@fastify/static', 'npm install @nestjs/platform-fastify @fastify/static'],
  ])('HTTP_ADAPTER is %s, and %s is not installed', async (HTTP_ADAPTER, missing, install) => {
    const refused = run({ PORT: await port(), HTTP_ADAPTER, NODE_OPTIONS: without(missing) });
    await expectRefusal(refused, new RegExp(`HTTP_ADAPTER=${HTTP_ADAPTER} .*: ${install}, `));
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  test('its configuration has three mistakes: all three are told', async () => {
    const wrong = { PORT: 'http', LOG_LEVEL: 'loud', API_PREFIX: 'api' };
    await expectRefusal(run(wrong), /PORT .*"http"$/, /API_PREFIX .*"api"$/, /LOG_LEVEL .*"loud"$/);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
});

test('what keeps the server from starting is told once, and not in its log as well', async () => {
  const refused = run({ PORT: await port(true) });
  expect(await refused.ended).toBe(1);
  expect(refused.output.stdout).toBe('');
});

describe('a data folder on a network filesystem', () => {
  const NFS = 0x6969;
  const files = { ...systemFiles, statfs: (async () => ({ type: NFS })) as never };

  test('is refused by a line that names what to set', async () => {
    const opening = FileStore.open({ path: join(folder, 'sessions'), files });
    await expect(opening).rejects.toThrow(
      /^[^\n]*network filesystem \(NFS\)[^\n]*ALLOW_NETWORK_FILESYSTEM=true/,
    );
    await expect(opening).rejects.toMatchObject({ code: 'StoreOpenError', fault: 'network_filesystem' });
  });

  test('is taken by who accepts that', async () => {
    const path = join(folder, 'sessions');
    const store = await FileStore.open({ path, files, allowNetworkFilesystem: true });
    expect(await store.health()).toEqual({ writable: true });
    await store.close();
  });
});
