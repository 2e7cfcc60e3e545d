/**
 * Both HTTP adapters give the same answers, to the byte: the same requests are sent to a server on each, as they are,
 * and all that comes back is compared. And a run of the tests really has both: what is about HTTP runs on each.
 */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { METHODS } from 'node:http';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bootTestServer, create, exchange, patch, type TestServer } from './http/test-server.js';

const ADAPTERS = ['express', 'fastify'] as const;

const PREFIX = '/api/v1';
const PAGE = 'https://app.example.com';

interface Served extends TestServer {
  /** A session of revision 3. */
  readonly id: string;
}

let plain: Served[];
let prefixed: Served[];

async function boot(HTTP_ADAPTER: string, environment: Record<string, string>): Promise<Served> {
  const server = await bootTestServer({ HTTP_ADAPTER, ...environment });
  const at = environment.API_PREFIX ? { ...server, url: `${server.url}${environment.API_PREFIX}` } : server;
  const { session_id: id } = await create(at, { user_id: 'ö' });
  await patch(at, id, { steps_completed: ['a', 'b'] });
  return { ...server, id };
}

beforeAll(async () => {
  plain = await Promise.all(ADAPTERS.map((adapter) => boot(adapter, {})));
  const environment = { API_PREFIX: PREFIX, CORS_ORIGINS: `${PAGE},https://b.example.com` };
  prefixed = await Promise.all(ADAPTERS.map((adapter) => boot(adapter, environment)));
});
afterAll(() => Promise.all([...plain, ...prefixed].map((server) => server.close())));

/** All that came back, answer by answer. */
function comparable(answers: string, server: Served): string[] {
  return answers.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => comparableOne(answer, server));
}

/** What differs from server to server and from time to time gets a name; header names have no case and no order. */
function comparableOne(answer: string, { id, place }: Served): string {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [status, ...headers] = head.split('\r\n');
  const named = headers.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return [status, ...named.sort(), '', ...rest]
    .join('\n')
    .replaceAll(id, 'ID')
    .replaceAll(place.secrets[0]!, 'FOLDER')
    .replace(/sess_\d{8}_\d{6}_[0-9a-f]{6}/g, 'SESSION')
    .replace(/^date: .+$/m, 'date: DATE')
    .replace(/^x-request-id: [0-9a-f-]{36}$/m, 'x-request-id: UUID')
    .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, 'TIME')
    .replace(/\b[0-9a-f]{64}\b/g, 'HASH');
}

/** What all servers answer to a request that ends its connection, or to several. */
async function sameAnswer(servers: readonly Served[], request: string): Promise<string[]> {
  const [first, second] = await Promise.all(
    servers.map(async (server) =>
      comparable(await exchange(server, request.replaceAll(':id', server.id)), server),
    ),
  );
  expect(second).toEqual(first);
  return first as string[];
}

const requestOf = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, '', body].join('\r\n');

const withBody = (line: string, body: string, ...headers: string[]) =>
  requestOf(line, [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...headers], body);

const CHUNKED = ['Transfer-Encoding: chunked'];
const OVERLONG_CHUNK = `1;${'x'.repeat(17_000)}\r\n{\r\n`;
const MANY = Array.from({ length: 2_000 }, () => 'a:');

const JSON_TYPE = 'Content-Type: application/json';

const PATHS = [
  ...[
    '/',
    '/session',
    '/session/',
    '//',
    '//session//list',
    '/session//list',
    '/session/list//',
    '/favicon.ico',
  ],
  ...[
    '/session/list',
    '/session/list/',
    '/SESSION/List',
    '/Session/LIST/',
    '/%73ession/list',
    '/session%2flist',
  ],
  ...['/session/:id', '/session/:id/', '/SESSION/:id/AUDIT', '/session/:id/audit', '/session/:id//audit'],
  ...['/session/:id/events', '/session/:id/events/', '/session/:id/verify', '/session/:id/%61udit'],
  ...[
    '/session/%',
    '/session/%zz',
    '/session/%zz/audit',
    '/session/%c3%28',
    '/nothing/%zz',
    '/%',
    '/session/:id/%',
  ],
  ...['/session/%00', '/session/..%2f..%2fetc', '/session/%252e', '/session/:id%0a', '/session/A%2FB/audit'],
  ...[
    '/session/%E2%84%AA',
    '/session/a;b',
    '/session/a;b=c/audit',
    '/session/a:b',
    '/session/*',
    '/session/a+b',
  ],
  ...['/session/__proto__', '/session/constructor/audit', `/session/${'a'.repeat(5_000)}`, '/session/create'],
  ...[
    '/session/SESS_20240115_103045_A1B2C3',
    '/session/\u00e9',
    '/session/a%C3%A9',
    '/session/a\\b',
    '/session/a|b',
  ],
  ...[
    '/session/list?limit=1',
    '/session/list?limit=1&limit=2',
    '/session/list?limit=0',
    '/session/list?limit=%zz',
  ],
  ...[
    '/session/list?limit=1%',
    '/session/list?limit[]=1',
    '/session/list?limit[a]=1',
    '/session/list?limit=',
  ],
  ...[
    '/session/list?limit',
    '/session/list?LIMIT=0',
    '/session/list?limit=1;offset=x',
    '/session/list?limit=%31',
  ],
  ...[
    '/session/list?offset=-1',
    '/session/list??limit=0',
    '/session/list?limit=1#limit=0',
    '/session/list#x',
  ],
  ...[
    '/session/list?__proto__=1&constructor=2&limit=1',
    '/session/:id/events?after=0&limit=1',
    '/session?a=%zz',
  ],
  ...[
    '/session/:id/events?after=x',
    '/session/:id/events?after=1&after=2',
    '/session/:id?x=%zz',
    '/session/%zz?%',
  ],
  ...[`/session/list?a=${'b&c='.repeat(1_500)}&limit=0`, 'http://a/session/list', 'http://a:1/session/%zz?x'],
  ...['HTTP://A/Session/List/', 'http://a', 'https://a/session/:id/audit', 'session/list', '*'],
  ...[
    '/docs-json',
    '/docs-json/',
    '/docs/nothing',
    '/docs/LICENSE',
    '/docs-yaml/x',
    '/docs/%zz',
    '/docs/..%2fx',
  ],
  ...['/docs/../session/list', '/docs/.', '/docs/./swagger-ui.css', '/docs//swagger-ui.css', '/docs/a\\b'],
  ...[
    '/docs/x/../swagger-ui.css',
    '/docs/%2e/swagger-ui.css',
    '/docs/index%2ehtml',
    '/DOCS//',
    '/docs/x?../y',
  ],
];

describe.each(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])('%s', (method) => {
  test.each(PATHS)('%s', async (path) => {
    await sameAnswer(plain, requestOf(`${method} ${path}`));
  });
});

test.each(METHODS.filter((method) => method !== 'CONNECT'))('Any method: %s', async (method) => {
  for (const path of ['/session/list', '/session/:id', '/nothing'])
    await sameAnswer(plain, requestOf(`${method} ${path}`));
  await sameAnswer(plain, withBody(`${method} /session/:id`, '{', JSON_TYPE));
  await sameAnswer(plain, withBody(`${method} /nothing`, '{}', 'Content-Type: text/plain'));
});

describe.each([
  'POST /session/create',
  'PATCH /session/:id',
  'GET /session/:id',
  'PUT /nothing',
  'POST /session/%zz',
])('The body of %s', (line) => {
  test.each([
    ['none', requestOf(line, ['Content-Length: 0'])],
    ['none, of a type', requestOf(line, ['Content-Length: 0', 'Content-Type: text/plain'])],
    ['none, of a type that is none', requestOf(line, ['Content-Type: nonsense'])],
    ['none, encoded', requestOf(line, ['Content-Length: 0', 'Content-Encoding: gzip'])],
    ['an object', withBody(line, '{}', JSON_TYPE)],
    ['an object of no type', withBody(line, '{"x":1}')],
    [
      'an object of a type in capitals',
      withBody(line, '{}', 'Content-Type: APPLICATION/JSON; charset="UTF-8"'),
    ],
    ['an object of a kind of JSON', withBody(line, '{}', 'Content-Type: application/merge-patch+json')],
    ['of a type that is none', withBody(line, '{}', 'Content-Type: nonsense')],
    ['of an empty type', withBody(line, '{}', 'Content-Type:')],
    ['of another type', withBody(line, '{}', 'Content-Type: text/plain')],
    ['of another charset', withBody(line, '{}', 'Content-Type: application/json; charset=latin1')],
    ['a form', withBody(line, 'a=1', 'Content-Type: application/x-www-form-urlencoded')],
    ['encoded', withBody(line, '{}', JSON_TYPE, 'Content-Encoding: gzip')],
    ['encoded as it is', withBody(line, '{}', JSON_TYPE, 'Content-Encoding: Identity')],
    ['no JSON', withBody(line, '{"a":', JSON_TYPE)],
    ['no UTF-8', withBody(line, '{"user_id":"\u00ff"}', JSON_TYPE)],
    ['a list', withBody(line, '[1]', JSON_TYPE)],
    ['null', withBody(line, 'null', JSON_TYPE)],
    ['false', withBody(line, 'false', JSON_TYPE)],
    ['with members of JavaScript', withBody(line, '{"__proto__":{"a":1}}', JSON_TYPE)],
    ['with a member called constructor', withBody(line, '{"constructor":{"prototype":1}}', JSON_TYPE)],
    ['with faults', withBody(line, '{"user_id":1,"labels":[],"status":5}', JSON_TYPE)],
    ['of the largest size', withBody(line, `"${'x'.repeat(256 * 1024 - 2)}"`, JSON_TYPE)],
    ['too large', withBody(line, `"${'x'.repeat(256 * 1024 - 1)}"`, JSON_TYPE)],
    ['too large and encoded', withBody(line, 'x'.repeat(300_000), JSON_TYPE, 'Content-Encoding: br')],
    ['in chunks', requestOf(line, ['Transfer-Encoding: chunked', JSON_TYPE], '2\r\n{}\r\n0\r\n\r\n')],
    ['in no chunks', requestOf(line, ['Transfer-Encoding: chunked'], '0\r\n\r\n')],
    ['after it was asked for', withBody(line, '{}', JSON_TYPE, 'Expect: 100-continue')],
  ])('%s', async (_what, request) => {
    await sameAnswer(plain, request);
  });
});

test.each([
  ['"3"', ['200 OK', '304 Not Modified']],
  ['W/"3", "1"', ['200 OK', '304 Not Modified']],
  ['*', ['200 OK', '304 Not Modified']],
  ['"1"', ['412 Precondition Failed', '200 OK']],
])('Preconditions: %s', async (tag, [written, read]) => {
  const report = withBody('PATCH /session/:id', '{"steps_completed":["a"]}', JSON_TYPE, `If-Match: ${tag}`);
  const answer = await sameAnswer(plain, report);
  if (!tag.startsWith('W/')) expect(answer[0]).toContain(`HTTP/1.1 ${written}`);
  for (const path of ['/session/:id', '/session/:id/audit', '/session/:id/events'])
    for (const method of ['GET', 'HEAD'])
      expect(await sameAnswer(plain, requestOf(`${method} ${path}`, [`If-None-Match: ${tag}`]))).toEqual([
        expect.stringContaining(`HTTP/1.1 ${read}`),
      ]);
});

test.each([
  ['no HTTP', 'hello\r\n\r\n'],
  ['no host', 'GET /session/list HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['no host and an expectation', 'POST /session/create HTTP/1.1\r\nExpect: a-miracle\r\n\r\n'],
  ['a chunk with too much beside it', requestOf('POST /session/create', CHUNKED, OVERLONG_CHUNK)],
  ['2,000 headers before one that counts', requestOf('PATCH /session/:id', [...MANY, 'If-Match: "99"'])],
  ['of an old version', 'GET /session/list HTTP/1.0\r\n\r\n'],
  ['of a later version', 'GET /session/list HTTP/2.0\r\n\r\n'],
  ['a header that is none', requestOf('GET /session/list', ['a b: c'])],
  ['headers too large', requestOf('GET /session/list', [`a: ${'b'.repeat(17_000)}`])],
  ['a path too long', requestOf(`GET /session/${'a'.repeat(17_000)}`)],
  ['two lengths', requestOf('POST /session/create', ['Content-Length: 1', 'Content-Length: 2'], '{}')],
  [
    'a length and chunks',
    requestOf('POST /session/create', ['Content-Length: 2', 'Transfer-Encoding: chunked']),
  ],
  ['a method that is none', requestOf('FETCH /session/list')],
  ['an expectation', requestOf('POST /session/create', ['Expect: a-miracle'])],
  ['an id of its own', requestOf('GET /session/list', ['x-request-id: my-id'])],
  ['an id that is none', requestOf('GET /session/list', ['x-request-id: my id'])],
  [
    'an old version that is kept',
    'GET /session/list HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n',
  ],
])('A request with %s', async (_what, request) => {
  await sameAnswer(plain, request);
});

test('Requests one behind another on one connection', async () => {
  const kept = (line: string) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const large = 'x'.repeat(300_000);
  const requests = [
    kept('GET /session/:id'),
    kept('HEAD /session/:id/audit'),
    kept('GET /session/%zz'),
    `POST /session/create HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{`,
    `POST /session/create HTTP/1.1\r\nHost: a\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
    kept('DELETE /session/list'),
    requestOf('GET /session/:id/audit'),
  ];
  expect(await sameAnswer(plain, requests.join(''))).toHaveLength(requests.length);
});

describe('Under a prefix, and for pages of other origins', () => {
  const paths = [
    ...[
      '/',
      PREFIX,
      `${PREFIX}/`,
      `${PREFIX}/session/list`,
      `${PREFIX}/Session/List/`,
      '/API/v1/session/list',
    ],
    ...[`${PREFIX}/session/:id`, `${PREFIX}/session/%zz`, '/session/list', '/docs', '/docs-json', '/%zz'],
    ...[
      `${PREFIX}/docs-json`,
      `${PREFIX}/docs/nothing`,
      `${PREFIX}//session/list`,
      `${PREFIX}x/session/list`,
    ],
  ];
  const origins = [[], [`Origin: ${PAGE}`], ['Origin: https://evil.example.com'], ['Origin: null']];

  test.each(paths)('%s', async (path) => {
    for (const origin of origins)
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])
        await sameAnswer(prefixed, requestOf(`${method} ${path}`, origin));
    const asked = ['Access-Control-Request-Method: PATCH', 'Access-Control-Request-Headers: if-match,x-a'];
    for (const origin of origins)
      await sameAnswer(prefixed, requestOf(`OPTIONS ${path}`, [...origin, ...asked]));
    await sameAnswer(prefixed, withBody(`POST ${path}`, '{', JSON_TYPE, `Origin: ${PAGE}`));
  });
});

test('The pages of the description are the same, and so is what they are made of', async () => {
  for (const path of [
    '/docs',
    '/docs/',
    '/docs/index.html',
    '/docs/swagger-ui-init.js',
    '/docs/swagger-ui.css',
  ]) {
    const [first, second] = await Promise.all(
      plain.map(async ({ url }) => {
        const response = await fetch(`${url}${path}`);
        return [response.status, response.headers.get('content-type')?.split(';')[0], await response.text()];
      }),
    );
    expect(first?.[0]).toBe(200);
    expect(second).toEqual(first);
  }
});

test('The servers that were compared are of both kinds', () => {
  for (const servers of [plain, prefixed])
    expect(servers.map(({ app }) => app.getHttpAdapter().getType())).toEqual([...ADAPTERS]);
});

test('A difference is seen', async () => {
  await expect(sameAnswer([plain[0]!, prefixed[1]!], requestOf('GET /session/list'))).rejects.toThrow();
});

test('Jest runs what is about HTTP on each adapter and over each store, and leaves no test out', async () => {
  const { default: config } = await import(join(process.cwd(), 'jest.config.js'));
  const listed = new Set<string>();
  for (const { displayName, globals } of config.projects) {
    expect(displayName).toBe(`${globals.HTTP_ADAPTER}-${globals.STORE}`);
    const tests = await testsOf(displayName);
    for (const path of tests) listed.add(path);
    if (globals.STORE === 'memory') continue;
    const wanted = [...endToEnd('http'), ...endToEnd(`http/${globals.STORE}`), 'clean-stop.test.js'];
    expect([displayName, tests]).toEqual([displayName, expect.arrayContaining(wanted)]);
  }
  const pooled = await testsOf('express-postgres', '--config', 'jest.pooler.config.js');
  expect(pooled).toEqual(expect.arrayContaining(['pooler/through-a-pooler.test.js']));
  for (const path of pooled) listed.add(path);
  const all = readdirSync(TESTS, { recursive: true, encoding: 'utf8' });
  expect([...listed].sort()).toEqual(all.filter((path) => path.endsWith('.test.js')).sort());
});

const TESTS = join(process.cwd(), 'dist-test/test');

/** The tests of a project, as Jest itself names them. */
async function testsOf(project: string, ...options: string[]): Promise<string[]> {
  const jest = join(process.cwd(), 'node_modules/jest/bin/jest.js');
  const args = [jest, '--listTests', '--json', '--selectProjects', project, ...options];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout.slice(stdout.indexOf('['))).map((path: string) => relative(TESTS, path));
}

/** Those of a folder, without the folders in it. */
const endToEnd = (folder: string) =>
  readdirSync(join(TESTS, folder))
    .filter((name) => name.endsWith('.e2e.test.js'))
    .map((name) => `${folder}/${name}`);
