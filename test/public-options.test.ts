import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Opened, openBoth, type Taker, takers } from './public-options.ts';

// Every function of the package that takes options, and all that can be wrong with them. The tests at the end see to it
// that no function is left out.

let opened: Opened;
let rows: Readonly<Record<string, Taker>>;
beforeAll(async () => {
  opened = await openBoth();
  rows = takers(opened);
});
afterAll(async () => {
  await opened.killSwitch.close();
  await opened.control.close();
});

/** The names alone, which the tests are made of before anything is opened. */
const NAMES = Object.keys(takers({} as Opened));

/** What it throws or rejects with; null when nothing. */
async function failure(call: Taker['call'], options: unknown): Promise<unknown> {
  try {
    await call(options as never);
    return null;
  } catch (error) {
    return error;
  }
}

const escapeRegExp = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');

const refusal = (...parts: readonly string[]) => ({
  name: expect.stringMatching(/^(KillSwitch|ChangeRefused)Error$/),
  code: 'INVALID_ARGUMENT',
  message: expect.stringMatching(new RegExp(parts.map((part) => escapeRegExp(part)).join('.*'), 's')),
});

/** Ways to mistype a key, each of which is nearer to it than to any other. */
const mistyped = (key: string): readonly string[] => [
  key.toUpperCase(),
  ...(key.length < 6 ? [] : [key.slice(0, -1), `${key.slice(0, 2)}${key.slice(3)}`]),
];

const KINDS: readonly unknown[] = [null, true, 'x', 1n, Symbol('s'), Number.NaN, 5, [], () => {}];

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);

/** Values of another kind than this one. */
const ofAnotherKind = (right: unknown): readonly unknown[] =>
  KINDS.filter((value) => kindOf(value) !== kindOf(right) || Number.isNaN(value) || value === null).filter(
    (value) => value !== right,
  );

const SECRET = 'postgres://app:s3cret@db/shop';

describe.each(NAMES)('%s', (name) => {
  test('takes every option that there is', async () => {
    const { call, right } = rows[name]!;
    expect(await failure(call, right)).toBeNull();
  });

  test('refuses a mistyped option, and names the one that is meant', async () => {
    const { call, right } = rows[name]!;
    for (const key of Object.keys(right))
      for (const wrong of mistyped(key)) {
        if (Object.hasOwn(right, wrong)) continue;
        expect(await failure(call, { ...right, [wrong]: right[key] }), wrong).toMatchObject(
          refusal(`There is no option "${wrong}" of `, `Did you mean "${key}"?`),
        );
      }
  });

  test('refuses an option that is like no other, with those that there are', async () => {
    const { call, right, shared } = rows[name]!;
    if (shared) return;
    const refused = await failure(call, { ...right, zzzzzzzzzz: 1 });
    expect(refused).toMatchObject(refusal('There is no option "zzzzzzzzzz" of ', 'There are: '));
    for (const key of Object.keys(right)) expect(String(refused)).toContain(key);
  });

  test('refuses what is no object, and a promise', async () => {
    const { call, right, adds } = rows[name]!;
    if (adds) return;
    for (const options of [null, 5, 'x', true, [], [right], Promise.resolve(right)])
      expect(await failure(call, options), String(options)).toMatchObject(refusal(''));
  });

  test('refuses a value of another kind', async () => {
    const { call, right, any = [] } = rows[name]!;
    for (const [key, value] of Object.entries(right)) {
      if (any.includes(key)) continue;
      for (const wrong of ofAnotherKind(value))
        expect(await failure(call, { ...right, [key]: wrong }), `${key}: ${String(wrong)}`).toMatchObject(refusal(''));
    }
  });

  test('says that an option cannot be read, without a secret', async () => {
    const { call, right, adds } = rows[name]!;
    const thrower = (): never => {
      throw new Error(`no answer of ${SECRET}`);
    };
    const options = Object.keys(right).map((key) =>
      Object.defineProperty({ ...right }, key, { enumerable: true, get: thrower }),
    );
    const traps = { get: thrower, ownKeys: thrower, has: thrower, getPrototypeOf: thrower };
    for (const unreadable of [...options, ...(adds ? [] : [new Proxy(right, traps)])]) {
      const refused = await failure(call, unreadable);
      expect(refused, Object.keys(right).join()).toMatchObject(refusal('cannot be read: '));
      expect(String(refused)).not.toContain('s3cret');
    }
  });
});

describe('no function is left out', () => {
  /** Functions without an options object. */
  const WITHOUT: readonly string[] = [
    ...['isKillSwitchError', 'KillSwitchError', 'ActionInputError', 'ActionResultError', 'ActionStoppedError'],
    'IdempotencyKeyError',
    ...['isActionStoppedError', 'FailClosedHook', 'IdentityHook', 'TelemetryHook'],
    ...[
      'ChangeRefusedError',
      'ChangePendingError',
      'NotInitialisedError',
      'isChangeRefusedError',
      'isChangePendingError',
    ],
    ...['killSwitch.close', 'killSwitch.transaction', 'run.bind', 'run.lastCheckpoint', 'run.report'],
    ...['control.settled', 'control.close', 'control.evidence'],
    // take an id, or a name
    ...['control.approval', 'control.drillReport', 'control.removeDrillSchedule', 'control.testAlert'],
  ];
  /** Methods that take none, and say so. */
  const TAKE_NONE = ['init', 'governance', 'forks', 'exportDefinition', 'head', 'archived'] as const;

  const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly default?: string }>>;
  };
  // What ./flags has is pure, and takes texts and records.
  const ENTRIES = Object.entries(exports).filter(([entry, { default: file }]) => file && entry !== './flags');

  test.each(ENTRIES)('of the entry point %s', async (_entry, { default: file = '' }) => {
    const source = file.replace('./dist/', '../').replace(/\.js$/, '.ts');
    const module = (await import(source)) as object;
    const functions = Object.entries(module).filter(([, value]) => typeof value === 'function');
    for (const [name] of functions) expect([...NAMES, ...WITHOUT]).toContain(name);
  });

  test('of a switch, of its runs and of a control plane', async () => {
    const { killSwitch, control } = opened;
    const run = await killSwitch.run({}, (each) => each);
    const methods = [
      ...Object.keys(killSwitch).map((name) => `killSwitch.${name}`),
      ...Object.entries(run).flatMap(([name, value]) => (typeof value === 'function' ? [`run.${name}`] : [])),
      ...Object.keys(control).map((name) => `control.${name}`),
    ];
    const known = [...NAMES, ...WITHOUT, ...TAKE_NONE.map((name) => `control.${name}`)];
    for (const name of methods) expect(known).toContain(name);
  });

  test.each(TAKE_NONE)('control.%s takes no options, and says so', async (name) => {
    const call: (options: object) => Promise<unknown> = opened.control[name].bind(opened.control);
    expect(await failure(call, { after: 1 })).toMatchObject(refusal(`${name} takes no options`));
  });
});
