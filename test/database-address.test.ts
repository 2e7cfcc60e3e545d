/** Addresses of PostgreSQL databases: which texts are one, when two lead to the same place, and that no password is shown. */

import { describe, expect, test } from '@jest/globals';
import { isDatabaseAddress, isSamePlace, shownAddress } from '../src/session/store/database-address.js';

const SECRET = 'hünter22';

describe('An address', () => {
  test.each([
    'postgres://host/database',
    'postgresql://me:secret@host:5433/database?sslmode=verify-full',
    'postgres:///database?host=/var/run/postgresql',
    'postgres://me@localhost/database?host=/socket&port=55999',
    'postgres://me@%2Fsocket/database',
    'postgres://me@[::1]:5432/a%40b',
  ])('is %s', (address) => {
    expect(isDatabaseAddress(address)).toBe(true);
  });

  test.each([
    ['without a database', 'postgres://me:secret@host:5432'],
    ['without a database', 'postgres://me:secret@host:5432/'],
    ['without a database', 'postgres://?host=/socket'],
    ['of another kind', 'mysql://host/database'],
    ['no URL', 'postgres://me:secret@[/database'],
    ['no URL', 'host/database'],
    ['with a password that ends it too soon', 'postgres://me:12/34@host/database'],
    ['with a password that ends it too soon', 'postgres://me:1/2#3@host/database'],
    ['no text', undefined],
  ])('is none where it is %s: %s', (_what, address) => {
    expect(isDatabaseAddress(address)).toBe(false);
  });
});

describe('Two addresses lead to the same place', () => {
  test.each([
    ['postgres://me:one@host/a', 'postgresql://me:two@host/a?sslmode=require'],
    ['postgres://me@host:55999/a', 'postgres://host/a?user=me&port=55999'],
    ['postgres://host/a?host=/socket', 'postgres:///a?host=%2Fsocket'],
  ])('as %s and %s do', (one, other) => {
    expect(isSamePlace(one, other)).toBe(true);
  });

  test.each([
    ['database', 'postgres://host/a', 'postgres://host/b'],
    ['host', 'postgres://host/a', 'postgres://other/a'],
    ['port', 'postgres://host:5433/a', 'postgres://host:5434/a'],
    ['port', 'postgres:///a?host=/sock&port=55999', 'postgres:///a?host=/sock&port=55998'],
    [
      'schema',
      'postgres://h/a?options=-c%20search_path%3Done',
      'postgres://h/a?options=-c%20search_path%3Dtwo',
    ],
    ['user, who may have a schema of his own', 'postgres://me@host/a', 'postgres://you@host/a'],
  ])('but not where they differ in the %s: %s, %s', (_what, one, other) => {
    expect(isSamePlace(one, other)).toBe(false);
  });
});

test.each([
  [`postgres://me:${SECRET}@host:5433/sessions?sslmode=require`, 'postgres://me@host:5433/sessions'],
  [`postgres://host/sessions?user=me&password=${SECRET}&port=5433`, 'postgres://me@host:5433/sessions'],
  [`postgresql://me:${SECRET}@localhost:1/s?host=/sock&port=55999`, 'postgres://me@/sock:55999/s'],
  [`postgres://:${SECRET}@[::1]/a%20b`, 'postgres://[::1]/a b'],
  [`postgres://me:%${SECRET}@host/%zz`, 'postgres://me@host/%zz'],
])('It is shown where %s leads, without its password', (address, shown) => {
  expect(shownAddress(address)).toBe(shown);
});
