import { InMemoryProvider } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { switchSettings } from '../guard/create-options.ts';
import { IdentityHook } from '../hooks/index.ts';
import { givenOperator } from '../operator/operators.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../provider/index.ts';
import { FlagdKillSwitchProvider } from '../provider/flagd/index.ts';
import { memoryStore } from '../store/memory/index.ts';

const store = memoryStore();
const inner = new InMemoryProvider({});
const confirm = async (): Promise<void> => {};

/** What takes the value, which the compiler would not let through, and the name that the message must have. */
type Taker = readonly [string, (value: never) => unknown, ReadonlyArray<readonly [unknown, RegExp]>];

const create =
  (name: string): Taker[1] =>
  (value) =>
    switchSettings({ store, [name]: value });
const failClosed =
  (name: string): Taker[1] =>
  (value) =>
    new FailClosedProvider(inner, { confirm, [name]: value });
const flagd =
  (name: string): Taker[1] =>
  (value) =>
    new FlagdKillSwitchProvider({ [name]: value });

const NO_FUNCTION: Taker[2] = [
  ['x', /must be a function, not "x"\./],
  [5, /must be a function, not 5\./],
  [null, /must be a function, not null\./],
];
const NO_TIME: Taker[2] = [
  ['5', /milliseconds, not "5"\./],
  [null, /milliseconds, not null\./],
  [Number.NaN, /milliseconds, not NaN\./],
];

const TAKERS: readonly Taker[] = [
  ['redact', create('redact'), NO_FUNCTION],
  ['leaseMs', create('leaseMs'), NO_TIME],
  ['handlerTimeoutMs', create('handlerTimeoutMs'), NO_TIME],
  [
    'FailClosedProvider',
    (value) => new FailClosedProvider(value),
    [
      [null, /null/],
      [5, /5/],
      ['x', /x/],
      [undefined, /undefined/],
    ],
  ],
  ['timeoutMs', failClosed('timeoutMs'), NO_TIME],
  ['initializeTimeoutMs', failClosed('initializeTimeoutMs'), NO_TIME],
  ['leaseMs', failClosed('leaseMs'), NO_TIME],
  ['confirm', failClosed('confirm'), NO_FUNCTION],
  ['onNews', failClosed('onNews'), NO_FUNCTION],
  ['clock', failClosed('clock'), NO_FUNCTION],
  ['timeoutMs', (timeoutMs) => new StrictestWinsStrategy({ timeoutMs }), NO_TIME],
  ['leaseMs', (leaseMs) => new KillSwitchProvider({ store, leaseMs }), NO_TIME],
  [
    'tls',
    flagd('tls'),
    [
      ['false', /must be true or false, not "false"\./],
      [0, /not 0\./],
      [null, /not null\./],
    ],
  ],
  [
    'host',
    flagd('host'),
    [
      [5, /must be a text, not 5\./],
      [null, /not null\./],
    ],
  ],
  ['contextEnricher', flagd('contextEnricher'), NO_FUNCTION],
  ['clock', flagd('clock'), NO_FUNCTION],
  ['deadlineMs', flagd('deadlineMs'), NO_TIME],
  ['leaseMs', flagd('leaseMs'), NO_TIME],
  ['IdentityHook', (identify) => new IdentityHook(identify), [...NO_FUNCTION, [undefined, /not undefined\./]]],
  [
    'operator.roles',
    (roles) => givenOperator({ id: 'dana', roles }),
    [
      ['admin', /must be a list of viewer, .* not "admin"\./],
      [[5], /must be a list of viewer/],
      [null, /not null\./],
    ],
  ],
];

describe.each(TAKERS)('%s', (name, take, wrong) => {
  test.each(wrong)('refuses %s, which it names', (value, message) => {
    let thrown: unknown;
    try {
      take(value as never);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'KillSwitchError', code: 'INVALID_ARGUMENT' });
    expect(String(thrown)).toContain(name);
    expect(String(thrown)).toMatch(message);
  });
});

test('the roles of an operator are taken, and kept', () => {
  expect(givenOperator({ id: 'dana', roles: ['operator'] })).toMatchObject({ id: 'dana', roles: ['operator'] });
});
