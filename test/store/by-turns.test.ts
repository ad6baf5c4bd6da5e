import { expect, test } from 'vitest';
import { byTurns } from '../../store/by-turns.ts';

test('each list has its turn, as long as it has something, up to the limit', () => {
  const lists = [[1, 2, 3], [], [10], [20, 21]];
  expect(byTurns(lists)).toEqual([1, 10, 20, 2, 21, 3]);
  expect(byTurns(lists, 4)).toEqual([1, 10, 20, 2]);
  expect(byTurns(lists, 0)).toEqual([]);
  expect(byTurns([])).toEqual([]);
});
