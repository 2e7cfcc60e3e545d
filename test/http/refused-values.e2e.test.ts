/**
 * Values that are refused with 422: every kind of fault, at its place in the input, in FastAPI's shape, and nothing
 * written.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  create,
  documentOf,
  expectRefusal,
  fault,
  send,
  type TestServer,
} from './test-server.js';

const HEART = '\u{1f49a}';
const labels = (count: number, value: string | null = 'x') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_${index}`, value]));
const LONE_LABEL = '{"labels":{"a":"x\\ud83d"}}';
/** A body of so many levels: itself is the first. */
const deep = (levels: number) => `{"outputs":{"a":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;

let server: TestServer;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());

describe.each([
  ['POST', '/session/create'],
  ['PATCH', '/session/:id'],
])('%s %s refuses', (method, path) => {
  test.each([
    ['a list', [], fault('model_attributes_type', 'body')],
    ['a string', '"a"', fault('model_attributes_type', 'body')],
    ['a number', '1', fault('model_attributes_type', 'body')],
    ['true', 'true', fault('model_attributes_type', 'body')],
    ['JSON of 33 levels', deep(33), fault('json_too_deep', 'body', 'outputs', 'a', ...Array(30).fill(0))],
    ['a number beyond all numbers', '{"x":[1e999]}', fault('finite_number', 'body', 'x', 0)],
    ['a __proto__ key', '{"__proto__":{"a":1}}', fault('forbidden_name', 'body', '__proto__')],
    ['a constructor key', '{"constructor":1}', fault('forbidden_name', 'body', 'constructor')],
    ['such a key deep down', '{"x":[{"__proto__":1}]}', fault('forbidden_name', 'body', 'x', 0, '__proto__')],
    ['half a character', '{"x":["\\ud800"]}', fault('string_unicode', 'body', 'x', 0)],
    ['half a character as a name', '{"x":{"\\udc00":1}}', fault('string_unicode', 'body', 'x')],
    ['half a character as a label', LONE_LABEL, fault('string_unicode', 'body', 'labels', 'a')],
    ['two halves in the wrong order', '{"x":"\\udc9a\\ud83d"}', fault('string_unicode', 'body', 'x')],
    ['labels that are a list', { labels: ['a'] }, fault('dict_type', 'body', 'labels')],
    ['labels that are a string', { labels: 'a' }, fault('dict_type', 'body', 'labels')],
    ['a number as label', { labels: { team: 1 } }, fault('string_type', 'body', 'labels', 'team')],
    [
      'a label of two lines',
      { labels: { a: 'x\ny' } },
      fault('string_control_character', 'body', 'labels', 'a'),
    ],
    [
      '1,025 characters',
      { labels: { a: 'x'.repeat(1_025) } },
      fault('string_too_long', 'body', 'labels', 'a'),
    ],
    [
      'a label key in capitals',
      { labels: { Team: 'a' } },
      fault('string_pattern_mismatch', 'body', 'labels', 'Team'),
    ],
    ['an empty label key', { labels: { '': 'a' } }, fault('string_pattern_mismatch', 'body', 'labels', '')],
    [
      'a label key of two lines',
      '{"labels":{"a\\n":"x"}}',
      fault('string_pattern_mismatch', 'body', 'labels', 'a\n'),
    ],
    [
      'a label key of 64 characters',
      { labels: { ['k'.repeat(64)]: 'a' } },
      fault('string_pattern_mismatch', 'body', 'labels', 'k'.repeat(64)),
    ],
    [
      'a label key that means something',
      '{"labels":{"constructor":"a"}}',
      fault('forbidden_name', 'body', 'labels', 'constructor'),
    ],
  ])('%s', async (_what, content, ...faults) => {
    await expectRefusal(server, [method, path, content], 422, { detail: faults });
  });

  test.each([
    ['text', 'hello'],
    ['half an object', '{"user_id": '],
    ['a comma too many', '{"user_id":"a",}'],
    ['two values', '{} {}'],
    ['NaN', '{"a":NaN}'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
  ])('what is no JSON: %s', async (_what, content) => {
    const refusal = { type: 'json_invalid', loc: expect.anything(), msg: expect.any(String) };
    const { body } = await expectRefusal(server, [method, path, content], 422, { detail: [refusal] });
    expect(body.detail[0].loc[0]).toBe('body');
  });

  test('a hundred thousand levels of JSON', async () => {
    const content = `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const refusal = fault('json_too_deep', 'body', 'x', ...Array(31).fill(0));
    await expectRefusal(server, [method, path, content], 422, { detail: [refusal] });
  });
});

describe('POST /session/create refuses', () => {
  test.each([
    ['a number as user_id', { user_id: 1 }, fault('string_type', 'body', 'user_id')],
    ['true as user_id', { user_id: true }, fault('string_type', 'body', 'user_id')],
    ['a list as user_id', { user_id: ['a'] }, fault('string_type', 'body', 'user_id')],
    ['an object as user_id', { user_id: { a: 1 } }, fault('string_type', 'body', 'user_id')],
    [
      'a user_id of 257 characters',
      { user_id: 'x'.repeat(257) },
      fault('string_too_long', 'body', 'user_id'),
    ],
    [
      'a user_id with a line break',
      { user_id: 'a\nb' },
      fault('string_control_character', 'body', 'user_id'),
    ],
    ['a user_id with a NUL', { user_id: 'a\0' }, fault('string_control_character', 'body', 'user_id')],
    [
      'a user_id with an escape',
      { user_id: '\u001b[31m' },
      fault('string_control_character', 'body', 'user_id'),
    ],
    ['half a character as user_id', '{"user_id":"\\ud800"}', fault('string_unicode', 'body', 'user_id')],
    ['null as label', { labels: { team: null } }, fault('string_type', 'body', 'labels', 'team')],
    ['33 labels', { labels: labels(33) }, fault('too_long', 'body', 'labels')],
    [
      'every wrong member at once',
      { user_id: 1, labels: { A: 'x', b: 2 } },
      fault('string_type', 'body', 'user_id'),
      fault('string_pattern_mismatch', 'body', 'labels', 'A'),
      fault('string_type', 'body', 'labels', 'b'),
    ],
  ])('%s', async (_what, content, ...faults) => {
    await expectRefusal(server, ['POST', '/session/create', content], 422, { detail: faults });
  });
});

describe('PATCH /session/{session_id} refuses', () => {
  test.each([
    ['a number as status', { status: 1 }, fault('string_type', 'body', 'status')],
    ['a list as status', { status: ['error'] }, fault('string_type', 'body', 'status')],
    ['an empty status', { status: '' }, fault('string_too_short', 'body', 'status')],
    ['a status that there is not', { status: 'done' }, fault('enum', 'body', 'status')],
    ['the name of a method as status', { status: 'toString' }, fault('enum', 'body', 'status')],
    ['a string as steps', { steps_completed: 'a' }, fault('list_type', 'body', 'steps_completed')],
    ['an object as steps', { steps_completed: { 0: 'a' } }, fault('list_type', 'body', 'steps_completed')],
    ['a number as step', { steps_completed: ['a', 1] }, fault('string_type', 'body', 'steps_completed', 1)],
    ['null as step', { steps_completed: [null] }, fault('string_type', 'body', 'steps_completed', 0)],
    [
      'a step without a name',
      { steps_completed: [''] },
      fault('string_too_short', 'body', 'steps_completed', 0),
    ],
    [
      'a step of 129 characters',
      { steps_completed: ['x'.repeat(129)] },
      fault('string_too_long', 'body', 'steps_completed', 0),
    ],
    [
      'a step with a tab',
      { steps_completed: ['a\tb'] },
      fault('string_control_character', 'body', 'steps_completed', 0),
    ],
    [
      'half a character as step',
      '{"steps_completed":["\\ud800"]}',
      fault('string_unicode', 'body', 'steps_completed', 0),
    ],
    ['half a character as status', '{"status":"\\ud800"}', fault('string_unicode', 'body', 'status')],
    ['half a character as timing', '{"timing":{"\\ud800_ms":1}}', fault('string_unicode', 'body', 'timing')],
    [
      'half a character in an output',
      '{"outputs":{"a":[{"b":"\\ud800"}]}}',
      fault('string_unicode', 'body', 'outputs', 'a', 0, 'b'),
    ],
    [
      'half a character as a reason',
      '{"status":"error","reason":"\\ud800"}',
      fault('string_unicode', 'body', 'reason'),
    ],
    [
      'half a character in an error',
      '{"status":"error","error":{"message":"\\ud800"}}',
      fault('string_unicode', 'body', 'error', 'message'),
    ],
    ['a list as timing', { timing: [1] }, fault('dict_type', 'body', 'timing')],
    ['a number as timing', { timing: 1250 }, fault('dict_type', 'body', 'timing')],
    [
      'a timing whose unit is not told',
      { timing: { search: 1 } },
      fault('string_pattern_mismatch', 'body', 'timing', 'search'),
    ],
    ['a negative timing', { timing: { a_ms: -1 } }, fault('greater_than_equal', 'body', 'timing', 'a_ms')],
    ['half a millisecond', { timing: { a_ms: 1.5 } }, fault('int_type', 'body', 'timing', 'a_ms')],
    ['a timing in quotes', { timing: { a_ms: '1' } }, fault('int_type', 'body', 'timing', 'a_ms')],
    ['null as timing', { timing: { a_ms: null } }, fault('int_type', 'body', 'timing', 'a_ms')],
    ['true as timing', { timing: { a_ms: true } }, fault('int_type', 'body', 'timing', 'a_ms')],
    [
      'a timing that no number holds',
      { timing: { a_ms: 2 ** 53 } },
      fault('int_type', 'body', 'timing', 'a_ms'),
    ],
    ['a list as outputs', { outputs: [1] }, fault('dict_type', 'body', 'outputs')],
    ['a string as outputs', { outputs: 'x' }, fault('dict_type', 'body', 'outputs')],
    ['an output without a name', { outputs: { '': 1 } }, fault('string_too_short', 'body', 'outputs', '')],
    ['65 labels', { labels: labels(65, null) }, fault('too_long', 'body', 'labels')],
    ['an empty reason', { status: 'error', reason: '' }, fault('string_too_short', 'body', 'reason')],
    ['a number as reason', { status: 'error', reason: 1 }, fault('string_type', 'body', 'reason')],
    [
      '2,049 characters of reason',
      { status: 'error', reason: 'x'.repeat(2_049) },
      fault('string_too_long', 'body', 'reason'),
    ],
    ['a reason for nothing', { reason: 'why not' }, fault('value_error', 'body', 'reason')],
    ['an error without the status error', { error: 'failed' }, fault('value_error', 'body', 'error')],
    [
      'an error with another status',
      { status: 'requirement_submitted', error: 'x' },
      fault('value_error', 'body', 'error'),
    ],
    [
      'an error without a message',
      { status: 'error', error: {} },
      fault('missing', 'body', 'error', 'message'),
    ],
    ['an empty error', { status: 'error', error: '' }, fault('string_too_short', 'body', 'error')],
    ['a number as error', { status: 'error', error: 5 }, fault('string_type', 'body', 'error')],
    [
      'a number as message',
      { status: 'error', error: { message: 5 } },
      fault('string_type', 'body', 'error', 'message'),
    ],
    [
      'a list as details',
      { status: 'error', error: { message: 'x', details: [] } },
      fault('dict_type', 'body', 'error', 'details'),
    ],
    [
      'a number as component',
      { status: 'error', error: { message: 'x', component: 1 } },
      fault('string_type', 'body', 'error', 'component'),
    ],
    [
      '1,001 steps at once',
      { steps_completed: Array.from({ length: 1_001 }, (_, n) => `s${n}`) },
      fault('too_long', 'body', 'steps_completed'),
    ],
    [
      'every wrong member at once',
      { status: 1, steps_completed: [''], timing: { a: -1 }, outputs: 1, labels: { a: 1 } },
      fault('string_type', 'body', 'status'),
      fault('string_too_short', 'body', 'steps_completed', 0),
      fault('string_pattern_mismatch', 'body', 'timing', 'a'),
      fault('greater_than_equal', 'body', 'timing', 'a'),
      fault('dict_type', 'body', 'outputs'),
      fault('string_type', 'body', 'labels', 'a'),
    ],
  ])('%s', async (_what, content, ...faults) => {
    await expectRefusal(server, ['PATCH', '/session/:id', content], 422, { detail: faults });
  });
});

describe('a query is refused with', () => {
  test.each([
    ['/session/list?limit=0', fault('greater_than_equal', 'query', 'limit')],
    ['/session/list?limit=501', fault('less_than_equal', 'query', 'limit')],
    ['/session/list?limit=-1', fault('greater_than_equal', 'query', 'limit')],
    ['/session/list?limit=ten', fault('int_parsing', 'query', 'limit')],
    ['/session/list?limit=', fault('int_parsing', 'query', 'limit')],
    ['/session/list?limit=1.5', fault('int_parsing', 'query', 'limit')],
    ['/session/list?limit=1e2', fault('int_parsing', 'query', 'limit')],
    ['/session/list?limit=0x10', fault('int_parsing', 'query', 'limit')],
    ['/session/list?limit=1&limit=2', fault('int_parsing', 'query', 'limit')],
    ['/session/list?offset=-1', fault('greater_than_equal', 'query', 'offset')],
    ['/session/list?offset=99999999999999999999', fault('int_parsing', 'query', 'offset')],
    [
      '/session/list?limit=0&offset=x',
      fault('greater_than_equal', 'query', 'limit'),
      fault('int_parsing', 'query', 'offset'),
    ],
    ['/session?status=done', fault('enum', 'query', 'status')],
    ['/session?status=created&status=done', fault('enum', 'query', 'status')],
    ['/session?status=created,error', fault('enum', 'query', 'status')],
    ['/session?status=Created', fault('enum', 'query', 'status')],
    ['/session?status=toString', fault('enum', 'query', 'status')],
    ['/session?status=', fault('string_too_short', 'query', 'status')],
    [`/session?${'status=created&'.repeat(101)}`, fault('too_long', 'query', 'status')],
    ['/session?user_id=a&user_id=b', fault('string_type', 'query', 'user_id')],
    ['/session?user_id=a%0ab', fault('string_control_character', 'query', 'user_id')],
    [`/session?user_id=${'x'.repeat(257)}`, fault('string_too_long', 'query', 'user_id')],
    ['/session?created_after=yesterday', fault('datetime_parsing', 'query', 'created_after')],
    ['/session?created_after=2024-02-30', fault('datetime_parsing', 'query', 'created_after')],
    ['/session?created_after=2024-01-15T10:30:45', fault('datetime_parsing', 'query', 'created_after')],
    ['/session?created_after=2024-01-15T10:30:45+01:00', fault('datetime_parsing', 'query', 'created_after')],
    ['/session?created_before=', fault('datetime_parsing', 'query', 'created_before')],
    ['/session?created_before=1705314645', fault('datetime_parsing', 'query', 'created_before')],
    [
      '/session?created_before=2024-01-15&created_before=2024-01-16',
      fault('string_type', 'query', 'created_before'),
    ],
    ['/session?label.Team=a', fault('string_pattern_mismatch', 'query', 'label.Team')],
    ['/session?label.=a', fault('string_pattern_mismatch', 'query', 'label.')],
    ['/session?label.team[]=a', fault('string_pattern_mismatch', 'query', 'label.team[]')],
    ['/session?label.__proto__=a', fault('string_pattern_mismatch', 'query', 'label.__proto__')],
    ['/session?label.constructor=a', fault('forbidden_name', 'query', 'label.constructor')],
    ['/session?label.team=a&label.team=b', fault('string_type', 'query', 'label.team')],
    ['/session?label.team=a%00', fault('string_control_character', 'query', 'label.team')],
    [`/session?label.team=${'x'.repeat(1_025)}`, fault('string_too_long', 'query', 'label.team')],
    [
      `/session?${Object.keys(labels(33))
        .map((key) => `label.${key}=x`)
        .join('&')}`,
      fault('too_long', 'query'),
    ],
    ['/session?stauts=created', fault('extra_forbidden', 'query', 'stauts')],
    ['/session?labels=x', fault('extra_forbidden', 'query', 'labels')],
    ['/session?Status=created&status=done', fault('extra_forbidden', 'query', 'Status')],
    ['/session/stats?limit=1', fault('extra_forbidden', 'query', 'limit')],
    [`/session/list?${'a&'.repeat(1_000)}limit=0`, fault('greater_than_equal', 'query', 'limit')],
    ['/session?q=', fault('string_too_short', 'query', 'q')],
    ['/session?q=%21%3F', fault('string_pattern_mismatch', 'query', 'q')],
    [`/session?q=${'x'.repeat(257)}`, fault('string_too_long', 'query', 'q')],
    ['/session?q=a&q=b', fault('string_type', 'query', 'q')],
    ['/session?order=random', fault('enum', 'query', 'order')],
    ['/session?order=', fault('enum', 'query', 'order')],
    ['/session?order=newest&order=oldest', fault('enum', 'query', 'order')],
    ['/session?limit=0', fault('greater_than_equal', 'query', 'limit')],
    ['/session?limit=501', fault('less_than_equal', 'query', 'limit')],
    ['/session?limit=1&limit=2', fault('int_parsing', 'query', 'limit')],
    ['/session?cursor=', fault('cursor_invalid', 'query', 'cursor')],
    ['/session?cursor=garbage', fault('cursor_invalid', 'query', 'cursor')],
    ['/session?cursor=%C3%B6', fault('cursor_invalid', 'query', 'cursor')],
    ['/session?cursor=a&cursor=b', fault('string_type', 'query', 'cursor')],
    [
      '/session?status=&user_id=a&user_id=b&label.A=x&q=!&order=x&limit=x',
      fault('enum', 'query', 'order'),
      fault('int_parsing', 'query', 'limit'),
      fault('string_too_short', 'query', 'status'),
      fault('string_type', 'query', 'user_id'),
      fault('string_pattern_mismatch', 'query', 'label.A'),
      fault('string_pattern_mismatch', 'query', 'q'),
    ],
    ['/session/stats?status=done', fault('enum', 'query', 'status')],
    ['/session/stats?created_after=x', fault('datetime_parsing', 'query', 'created_after')],
    ['/session/stats?label.Team=a', fault('string_pattern_mismatch', 'query', 'label.Team')],
    ['/session/stats?q=-', fault('string_pattern_mismatch', 'query', 'q')],
    ['/session/:id/events?limit=0', fault('greater_than_equal', 'query', 'limit')],
    ['/session/:id/events?limit=501', fault('less_than_equal', 'query', 'limit')],
    ['/session/:id/events?after=-1', fault('greater_than_equal', 'query', 'after')],
    ['/session/:id/events?after=last', fault('int_parsing', 'query', 'after')],
  ])('%s', async (path, ...faults) => {
    await expectRefusal(server, ['GET', path], 422, { detail: faults });
  });
});

describe('an Idempotency-Key is refused that is', () => {
  test.each([
    ['256 characters long', 'x'.repeat(256), 'string_too_long'],
    ['of spaces alone', '  ', 'string_too_short'],
    ['beyond ASCII', 'caf\u00e9', 'string_pattern_mismatch'],
    ['with a tab', 'a\tb', 'string_pattern_mismatch'],
  ])('%s', async (_what, key, type) => {
    const refused = ['POST', '/session/create', {}, { 'idempotency-key': key }] as const;
    await expectRefusal(server, refused, 422, { detail: [fault(type, 'header', 'Idempotency-Key')] });
  });
});

describe('what is just within its bounds is taken', () => {
  test.each([
    ['a user_id of 256 characters', { user_id: 'x'.repeat(256) }],
    ['a user_id of 256 characters beyond the first plane', { user_id: HEART.repeat(256) }],
    ['32 labels', { labels: labels(32) }],
    ['a label key of 63 characters', { labels: { ['k'.repeat(63)]: 'a' } }],
    ['a label of 1,024 characters', { labels: { a: 'x'.repeat(1_024) } }],
    ['a label of 1,024 characters beyond the first plane', { labels: { a: HEART.repeat(1_024) } }],
  ])('by create: %s', async (_what, request) => {
    const { session_id } = await create(server, request);
    expect(await documentOf(server, session_id)).toMatchObject(request);
  });

  test.each([
    ['JSON of 32 levels', deep(32)],
    ['a thousand steps', { steps_completed: Array.from({ length: 1_000 }, (_, n) => `s${n}`) }],
    ['a step of 128 characters', { steps_completed: ['x'.repeat(128)] }],
    ['an output with a member named prototype', { outputs: { design: { prototype: 'a drawing' } } }],
    ['an output that is null', { outputs: { design: null } }],
    ['a timing of 0', { timing: { a_ms: 0 } }],
  ])('by PATCH: %s', async (_what, report) => {
    const { session_id } = await create(server);
    expect(await send(server, 'PATCH', `/session/${session_id}`, report)).toMatchObject({ status: 200 });
    const expected = typeof report === 'string' ? JSON.parse(report) : report;
    expect(await documentOf(server, session_id)).toMatchObject(expected);
  });
});
