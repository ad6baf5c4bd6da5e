import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ActionDefinition } from '../../index.ts';
import { normaliseAction } from '../../guard/normalise-action.ts';
import { Registry } from '../../guard/registry.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

const plain: ActionDefinition<unknown, unknown> = { name: 'a.b', execute: () => 1 };
const full: ActionDefinition<unknown, unknown> = {
  ...plain,
  name: 'a.full',
  effect: 'read',
  surface: 'queue',
  feature: 'newsletter',
  irreversible: true,
  draft: () => 1,
  redirect: (input) => input,
  reverse: { action: 'a.c', input: () => 1 },
  limits: { most: { max: 1, of: () => 1 }, least: { max: 1, of: () => 1 } },
};
const terms = {
  action: 'a.b',
  effect: 'write',
  surface: 'tool',
  feature: null,
  irreversible: false,
  draft: false,
  redirect: false,
  reverse: false,
  limits: [],
};

function open() {
  const onNew = vi.fn();
  const registry = new Registry(onNew);
  const register = (definition: ActionDefinition<unknown, unknown>) => registry.register(normaliseAction(definition));
  return { onNew, registry, register };
}

describe('the registry of actions', () => {
  test('lists each action with its terms, and is told at each new one', () => {
    const { onNew, registry, register } = open();
    register(plain);
    register(full);
    expect(onNew).toHaveBeenCalledTimes(2);
    expect(registry.take()).toEqual([
      { ...terms, last_used: null },
      {
        action: 'a.full',
        effect: 'read',
        surface: 'queue',
        feature: 'newsletter',
        irreversible: true,
        draft: true,
        redirect: true,
        reverse: true,
        limits: ['least', 'most'],
        last_used: null,
      },
    ]);
  });

  test('has nothing to report until something has changed: a new action, or the use of one', () => {
    const { registry, register } = open();
    expect(registry.take()).toBeNull();
    const used = register(plain);
    expect(registry.take()).toHaveLength(1);
    expect(registry.take()).toBeNull();
    vi.setSystemTime(Date.parse('2026-01-02T03:04:05Z'));
    used();
    expect(registry.take()).toMatchObject([{ action: 'a.b', last_used: '2026-01-02T03:04:05.000Z' }]);
    expect(registry.take()).toBeNull();
  });

  test('takes the same definition once more: both uses count for one action', () => {
    const { registry, register } = open();
    register(plain)();
    const again = register({ ...plain });
    expect(registry.take()).toMatchObject([{ action: 'a.b', last_used: '2026-01-01T00:00:00.000Z' }]);
    vi.setSystemTime(Date.parse('2026-01-02T00:00:00Z'));
    again();
    expect(registry.take()).toMatchObject([{ action: 'a.b', last_used: '2026-01-02T00:00:00.000Z' }]);
  });

  test.each([
    ['effect', { effect: 'read' }],
    ['surface', { surface: 'queue' }],
    ['feature', { feature: 'newsletter' }],
    ['irreversible', { irreversible: true }],
    ['draft', { draft: () => 1 }],
    ['redirect', { redirect: (input: unknown) => input }],
    ['reverse', { reverse: { action: 'a.c', input: () => 1 } }],
    ['limits', { limits: { most: { max: 1, of: () => 1 } } }],
  ] as const)('refuses an action of the same name with another %s, and keeps the first', (field, more) => {
    const { onNew, registry, register } = open();
    register(plain);
    expect(() => register({ ...plain, ...more })).toThrow(
      `There is another action named "a.b" in this process, with a different definition (${field}). Give one of them another name.`,
    );
    expect(onNew).toHaveBeenCalledTimes(1);
    expect(registry.take()).toEqual([{ ...terms, last_used: null }]);
  });
});
