import { expect, test } from 'vitest';
import { isJsonObject } from '../../flags/json-object.ts';

test('an object of JSON is no list and not null', () => {
  expect([{}, { a: 1 }, null, [], 'x', 7, undefined].map(isJsonObject)).toEqual([
    true,
    true,
    ...Array<boolean>(5).fill(false),
  ]);
});
