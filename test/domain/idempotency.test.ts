/** What is kept of a request with a key: hashes that are the same for the same request, however it was written. */
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { idempotencyOf } from '../../src/session/domain/idempotency.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('is the SHA-256 of the key, and of the request as canonical JSON', () => {
  expect(idempotencyOf('job-17', { user_id: 'ä', labels: { team: 'x', env: '"' } })).toEqual({
    key_sha256: sha256('job-17'),
    request_sha256: sha256('{"labels":{"env":"\\"","team":"x"},"user_id":"ä"}'),
  });
});

test('does not depend on the order of the labels', () => {
  const one = idempotencyOf('a', { user_id: null, labels: { a: '1', b: '2' } });
  expect(idempotencyOf('a', { user_id: null, labels: { b: '2', a: '1' } })).toEqual(one);
});

test.each([
  ['user', { user_id: 'me', labels: { a: '1' } }],
  ['user that is empty', { user_id: '', labels: { a: '1' } }],
  ['label', { user_id: null, labels: { a: '2' } }],
  ['set of labels', { user_id: null, labels: {} }],
])('is another for another %s', (_what, request) => {
  const { request_sha256 } = idempotencyOf('a', { user_id: null, labels: { a: '1' } });
  expect(idempotencyOf('a', request).request_sha256).not.toBe(request_sha256);
});
