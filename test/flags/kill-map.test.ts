import { expect, test } from 'vitest';
import type { ActiveKill } from '../../flags/index.ts';
import { KillMap } from '../../flags/kill-map.ts';

const kill = (target: string): ActiveKill => ({
  id: `kill of ${target}`,
  target,
  mode: 'full_stop',
  reason: null,
  killed_by: 'dana',
  killed_at: '2026-01-01T00:00:00Z',
  expires_at: null,
  epoch: 1,
});

/** Ids of every length, most of them alike in most of their characters. */
const idAt = (index: number): string =>
  [
    `${index}`,
    `agent-${index}`,
    `${index}-of-the-returns-department-in-berlin`,
    `😀${'x'.repeat(index % 500)}${index}`,
  ][index % 4] as string;

test('answers as a plain Map does, whatever was set and deleted, with few kills and with many', () => {
  const kills = new KillMap();
  const plain = new Map<string, ActiveKill>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let step = 0; step < 60_000; step += 1) {
    const id = idAt(random(30_000));
    if (random(4) === 0) expect(kills.delete(id)).toBe(plain.delete(id));
    else {
      const set = kill(`agent:${id}/${step}`);
      kills.set(id, set);
      plain.set(id, set);
    }
  }
  expect(plain.size).toBeGreaterThan(10_000);
  expect(kills.size).toBe(plain.size);
  for (let index = 0; index < 40_000; index += 1) {
    const id = idAt(index);
    if (kills.get(id) !== plain.get(id)) expect.fail(`${id} is not what was set`);
  }
  expect([...kills.keys()]).toEqual([...plain.keys()]);
});

test('holds ids that differ only where the filter does not look', () => {
  const kills = new KillMap();
  const idOf = (index: number): string => `head${String(index).padStart(6, '0')}-and-a-tail-that-never-changes`;
  for (let index = 0; index < 9_000; index += 1) kills.set(idOf(index), kill(`agent:${index}`));
  for (let index = 0; index < 9_000; index += 1) {
    if (kills.get(idOf(index))?.target !== `agent:${index}`) expect.fail(`${idOf(index)} is missing`);
  }
  expect(kills.get(idOf(9_000))).toBeUndefined();
});
