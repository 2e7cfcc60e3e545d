/**
 * The life of a session over REST: every transition between two statuses, and a whole assessment from the first call
 * to the line in the list by which a person recognises it.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  bootTestServer,
  componentError,
  create,
  documentOf,
  type Json,
  patch,
  send,
  type TestServer,
} from './test-server.js';

const PATH = [
  'created',
  'requirement_submitted',
  'matches_found',
  'matches_selected',
  'generating_impact',
  'completed',
];

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await bootTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  id = (await create(server, { user_id: 'analyst@company.com', labels: { team: 'billing' } })).session_id;
});

async function bringTo(status: string): Promise<void> {
  const way = status === 'error' ? ['error'] : PATH.slice(1, PATH.indexOf(status) + 1);
  for (const next of way) await patch(server, id, { status: next });
}

const listed = async (): Promise<Json> => {
  const { sessions } = (await send(server, 'GET', '/session/list?limit=500')).body;
  return sessions.find(({ session_id }: Json) => session_id === id);
};

test.each([...PATH, 'error'])(
  'a session that is %s becomes what the lifecycle allows, and nothing else',
  async (from) => {
    await bringTo(from);
    const final = from === 'completed' || from === 'error';
    const allowed = final ? [] : [PATH[PATH.indexOf(from) + 1], 'error'];
    for (const to of [...PATH, 'error']) {
      if (to === from || allowed.includes(to)) continue;
      const answer = await send(server, 'PATCH', `/session/${id}`, { status: to });
      const refusal = componentError('InvalidSessionStateError', { from, to, allowed });
      expect(answer).toMatchObject({ status: 409, body: refusal });
    }
    for (const to of allowed) {
      id = (await create(server)).session_id;
      await bringTo(from);
      expect((await patch(server, id, { status: to })).body.status).toBe(to);
    }
  },
);

test('a session that is completed still takes steps, timings, outputs and labels', async () => {
  await bringTo('completed');
  await patch(server, id, {
    steps_completed: ['a'],
    timing: { a_ms: 1 },
    outputs: { a: 1 },
    labels: { a: 'b' },
  });
  expect(await documentOf(server, id)).toMatchObject({ status: 'completed', steps_completed: ['a'] });
});

test('an assessment goes from its first call to completed, and the list shows what came out', async () => {
  const requirement_text = `${'Export the invoices of a customer as CSV. '.repeat(5)}`;
  await patch(server, id, {
    status: 'requirement_submitted',
    steps_completed: ['requirement_submitted'],
    outputs: { requirement: { requirement_text, jira_epic_id: 'PAY-17' } },
  });
  await patch(server, id, {
    status: 'matches_found',
    timing: { search_ms: 1250 },
    outputs: { search: { matches: 12 } },
  });
  await patch(server, id, { status: 'matches_selected', steps_completed: ['matches_selected'] });
  await patch(server, id, { status: 'generating_impact' });
  for (const [step, name, output] of [
    ['modules_generated', 'modules', { modules: ['billing'] }],
    ['effort_estimated', 'effort', { total_hours: 84.5 }],
    ['stories_generated', 'stories', { total_story_points: 21 }],
  ] as const) {
    await patch(server, id, {
      steps_completed: [step],
      timing: { [`${name}_ms`]: 10 },
      outputs: { [name]: output },
    });
  }
  const last = await patch(server, id, { status: 'completed' });
  expect(last.body).toMatchObject({ session_id: id, status: 'completed', user_id: 'analyst@company.com' });

  const data = await documentOf(server, id);
  const item = await listed();
  expect(Object.entries(item)).toEqual(
    Object.entries({
      session_id: id,
      created_at: data.created_at,
      status: 'completed',
      requirement_text: `${requirement_text.slice(0, 200)}…`,
      jira_epic_id: 'PAY-17',
      total_story_points: 21,
      total_hours: 84.5,
      updated_at: data.updated_at,
      user_id: 'analyst@company.com',
      steps_completed: [
        'requirement_submitted',
        'matches_selected',
        'modules_generated',
        'effort_estimated',
        'stories_generated',
      ],
      labels: { team: 'billing' },
      revision: data.revision,
    }),
  );
  expect(data.timing).toEqual({ search_ms: 1250, modules_ms: 10, effort_ms: 10, stories_ms: 10 });
});

describe('the list shows of a requirement', () => {
  test.each([
    ['of 200 characters all', 'x'.repeat(200), 'x'.repeat(200)],
    ['of 201 characters the first 200 and …', 'x'.repeat(201), `${'x'.repeat(200)}…`],
    ['of 200 characters beyond the first plane all', '\u{1f49a}'.repeat(200), '\u{1f49a}'.repeat(200)],
    ['no half character', `${'x'.repeat(199)}\u{1f49a}y`, `${'x'.repeat(199)}\u{1f49a}…`],
  ])('%s', async (_what, requirement_text, shown) => {
    await patch(server, id, { outputs: { requirement: { requirement_text } } });
    expect((await listed()).requirement_text).toBe(shown);
  });

  test.each([
    ['nothing was said', {}],
    ['it is no object', { requirement: 'text', stories: 21, effort: [84.5] }],
    ['it is null', { requirement: null, stories: null, effort: null }],
    [
      'its members are of other kinds',
      {
        requirement: { requirement_text: 1, jira_epic_id: ['PAY-17'] },
        stories: { total_story_points: '21' },
        effort: { total_hours: null },
      },
    ],
  ])('null when %s', async (_what, outputs) => {
    await patch(server, id, { outputs });
    expect(await listed()).toMatchObject({
      requirement_text: null,
      jira_epic_id: null,
      total_story_points: null,
      total_hours: null,
    });
  });
});
