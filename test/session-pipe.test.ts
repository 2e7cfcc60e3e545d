/** The pipe of every body: that it looks at each member so often as its rules ask, however many members there are. */
import { expect, test } from '@jest/globals';
import { SessionUpdateRequest } from '../src/session/session.dto.js';
import { SessionValidationPipe } from '../src/session/session.pipe.js';

const pipe = new SessionValidationPipe();
const report = (body: object) => pipe.transform(body, { type: 'body', metatype: SessionUpdateRequest });

/** A hundred members, and how often each of them was read and all of them were listed. */
function watched(): { members: object; reads: Map<string, number>; lists: () => number } {
  const reads = new Map<string, number>();
  let lists = 0;
  const target = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`m${n}`, n]));
  const members = new Proxy(target, {
    get(_target, name: string) {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return target[name];
    },
    ownKeys() {
      lists++;
      return Reflect.ownKeys(target);
    },
  });
  return { members, reads, lists: () => lists };
}

// class-transformer would read them once more and compare the name of each with the names of all others.
test.each<[string, (members: object) => object, number]>([
  ['that nobody knows', (members) => members, 1],
  ['of an output', (members) => ({ outputs: { a: members } }), 2],
  ['of the outputs', (members) => ({ outputs: members }), 2],
])('members %s are read by the rules alone', (_whose, bodyOf, times) => {
  const { members, reads, lists } = watched();
  report(bodyOf(members));
  expect(reads.size).toBe(100);
  expect(new Set(reads.values())).toEqual(new Set([times]));
  expect(lists()).toBe(times);
});

test('what is in a free-form member is taken as it is, and no member of another name', () => {
  const body = { outputs: { a: { prototype: [1] } }, user_id: 'somebody', x: 1 };
  const taken = report(body);
  expect(taken).toBeInstanceOf(SessionUpdateRequest);
  expect(Object.entries(taken as object)).toEqual([['outputs', body.outputs]]);
  expect((taken as SessionUpdateRequest).outputs).toBe(body.outputs);
});
