import { expect, test } from 'vitest';
import { together } from '../../operator/approval-upkeep.ts';
import { boundRequest } from '../flags/approval-requests.ts';

test('requests with many parents are told again in several events, each within what a store takes', () => {
  const long = Array.from({ length: 1000 }, (_, index) => `${'a'.repeat(500)}${index}`);
  const requests = Array.from({ length: 7 }, (_, index) => boundRequest({ id: `r-${index}`, lineage_agents: long }));
  const parts = together(requests);
  expect(parts.flat()).toEqual(requests);
  expect(parts.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  const short = Array.from({ length: 250 }, (_, index) => boundRequest({ id: `r-${index}` }));
  expect(together(short).map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(together([])).toEqual([]);
});
