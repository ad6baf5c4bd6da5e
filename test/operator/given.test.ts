import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { type ControlPlane, type KillOptions, openControlPlane } from '../../operator/index.ts';
import { openQuickControl } from './open-quick-control.ts';
import { KillSwitchProvider } from '../../provider/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { REFUSED_RULES } from '../flags/base-rules.ts';
import { temporaryFolder } from '../servers/lifetime.ts';

/** What no compiler has looked at. */
const any = (value: unknown): never => value as never;

async function setUp(): Promise<ControlPlane> {
  const store = fileControlStore({ directory: join(temporaryFolder('given').path, 'switch') });
  const control = await openQuickControl({ store, operator: { id: 'ann' }, retryMs: 3000 });
  onTestFinished(() => control.close());
  await control.init();
  return control;
}

const circle: Record<string, unknown> = {};
circle['self'] = circle;
const throwing = {
  get reason(): string {
    throw new Error('no');
  },
};
const bad = (): Error => {
  throw new Error('unreadable');
};

describe('the reason of a kill', () => {
  test('never makes a kill fail: another value is made into a text, and other changes are not held up', async () => {
    const control = await setUp();
    const given: ReadonlyArray<readonly [unknown, string | null]> = [
      [new Error('refund loop'), 'refund loop'],
      [new TypeError(''), 'TypeError'],
      [new Error('cannot reach redis://ops:hunter2secret@db:6379'), 'cannot reach redis://[redacted]@db:6379'],
      [5, '5'],
      [7n, '7'],
      [true, 'true'],
      [{ alert: 'spend', level: 3 }, '{"alert":"spend","level":3}'],
      [{ password: 'hunter2secret' }, '{"password":"[redacted]"}'],
      [[], '[]'],
      [null, null],
      ['  ', null],
      [Symbol('x'), 'Symbol(x)'],
      [circle, '(a reason that is no text: object)'],
      [bad, '(a reason that is no text: function)'],
      [{ toJSON: bad }, '(a reason that is no text: object)'],
      ['a\u0000b\u001b[31m\r\nc\u2028', 'a\\u0000b\\u001b[31m\nc'],
      ['half \ud800.', 'half \\ud800.'],
    ];
    const answers = await Promise.all(
      given.flatMap(([reason], index) => [
        control.kill({ target: `agent:bad${index}`, reason: any(reason) }),
        control.kill({ target: `agent:good${index}`, reason: 'as usual' }),
      ]),
    );
    expect(answers.filter((_, index) => index % 2 === 0).map(({ kill }) => kill.reason)).toEqual(
      given.map(([, text]) => text),
    );
    expect(answers.every(({ kill }) => kill.is_active)).toBe(true);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 1 + 2 * given.length });
  });

  test('is cut where it is too long, and says so', async () => {
    const control = await setUp();
    for (const reason of ['x'.repeat(2001), '\u0007'.repeat(1000), `${'x'.repeat(1991)}😀${'y'.repeat(100)}`]) {
      const { kill } = await control.kill({ target: 'all', reason: any(reason) });
      await control.revive({ target: 'all', reason: 'next' });
      expect(kill.reason?.length).toBeLessThanOrEqual(2000);
      expect(kill.reason?.length).toBeGreaterThan(1980);
      expect(kill.reason).toMatch(/ … \(cut\)$/);
      expect(kill.reason?.isWellFormed()).toBe(true);
    }
  });

  test('that is no text: loosening is refused, tightening is not', async () => {
    const control = await setUp();
    await control.kill({ target: 'all' });
    for (const reason of [new Error('fixed'), 5, {}, true, 'x'.repeat(2001), 'a\u0000b']) {
      for (const change of [
        () => control.revive({ target: 'all', reason: any(reason) }),
        () => control.setMode({ mode: 'live', reason: any(reason) }),
        () => control.setFeature({ name: 'f', stage: 'live', reason: any(reason) }),
        () => control.recover({ reason: any(reason) }),
        () => control.setFlags({ definition: { flags: {} }, reason: any(reason) }),
      ])
        await expect(change()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /^A reason / });
    }
    expect((await control.status()).epoch).toBe(2);
    expect(await control.setMode({ mode: 'read_only', reason: any(new Error('odd')) })).toMatchObject({ epoch: 3 });
  });
});

/** What JavaScript makes a time of all the same: on another day, or by the clock of this machine. */
const NO_INSTANTS = ['2030-02-30T00:00:00Z', '2030-01-01T00:00:00', '2030-01-01', 'Jan 1 2030', '1893456000'];

describe('what callers give', () => {
  test('is refused at once where it is wrong, by name, and changes nothing', async () => {
    const control = await setUp();
    await control.kill({ target: 'agent:x' });
    const targeting = "targeting is a rule of flagd's as a JSON object";
    const wrong: ReadonlyArray<readonly [() => unknown, string | RegExp]> = [
      ...[undefined, 5, circle, 'x'].map((target) => [() => control.kill({ target: any(target) }), 'target'] as const),
      [() => control.kill(any(undefined)), 'The options of kill are an object'],
      [() => control.kill({ target: 'all', mode: any(circle) }), 'is not a mode'],
      [() => control.kill({ target: 'all', mode: 'live' }), 'To lift a kill'.toLowerCase()],
      ...[5, null, 'soon', Symbol('x'), new Date(Number.NaN), new Date(8e15), circle, ...NO_INSTANTS].flatMap((at) => [
        [() => control.kill({ target: 'all', expiresAt: any(at) }), 'is not a time'] as const,
        [() => control.addRule({ name: 'r', target: 'all', mode: 'paused', from: any(at) }), 'is not a time'] as const,
        [() => control.check({ at: any(at) }), 'is not a time'] as const,
        [() => control.previewRollback({ agent: 'a', since: any(at) }), 'is not a time'] as const,
        [() => control.allow({ action: 'a.b', agentId: 'a', times: 1, expiresAt: any(at) }), 'is not a time'] as const,
      ]),
      ...[0, -1, '5', 5n, Number.NaN, null, Symbol('x')].map(
        (ms) => [() => control.kill({ target: 'all', lastsMs: any(ms) }), 'lastsMs is a number'] as const,
      ),
      ...[-1, '5', 5n, Number.NaN, null].map(
        (ms) => [() => control.kill({ target: 'all', waitMs: any(ms) }), 'waitMs is a number'] as const,
      ),
      [() => control.kill({ target: 'all', onProgress: any('log') }), 'onProgress is a function, not "log"'],
      ...[-1, 1.5, '2', 2n, Number.NaN, null].flatMap((epoch) => [
        [
          () => control.revive({ target: 'agent:x', reason: 'r', epoch: any(epoch) }),
          'epoch is a whole number',
        ] as const,
        [() => control.setMode({ mode: 'live', reason: 'r', epoch: any(epoch) }), 'epoch is a whole number'] as const,
      ]),
      ...[[1], 'rule', 5, true].map(
        (rule) => [() => control.setMode({ mode: 'live', reason: 'r', targeting: rule }), targeting] as const,
      ),
      ...[circle, { if: [() => true, 'live'] }, { if: [1n] }, { if: [Number.NaN] }, { toJSON: () => 5 }].map(
        (rule) => [() => control.setMode({ mode: 'live', reason: 'r', targeting: rule }), /^targeting is /] as const,
      ),
      ...[
        circle,
        { flags: { f: 1n } },
        { flags: { f: bad } },
        {
          get flags() {
            return bad();
          },
        },
        null,
        5,
      ].map((definition) => [() => control.setFlags({ definition, reason: 'r' }), 'definition'] as const),
      ...[-1, Number.NaN, Number.POSITIVE_INFINITY, '5', 5n, Symbol('x')].map(
        (value) =>
          [
            () => control.setLimit({ name: 'l', value: any(value), reason: 'r' }),
            'A limit is a finite number',
          ] as const,
      ),
      [() => control.setLimit({ name: any(circle), value: 5, reason: 'r' }), 'is not the name of a limit'],
      [() => control.setFeature({ name: any(5), stage: 'dark' }), 'is not the name of a feature'],
      [() => control.setAutonomy({ action: any({}), stage: 'trusted' }), 'is not the name of an action'],
      [() => control.recover({ reason: 'r', create: any('yes') }), 'create is true or false, not "yes"'],
      [() => control.recover({ reason: 'r', exclude: any('mailer') }), 'exclude is a list of names, not "mailer"'],
      [() => control.recover({ reason: 'r', include: any([5]) }), 'include has 5'],
      [() => control.interventions({ limit: any('5') }), 'limit is a whole number'],
      [() => control.interventions({ proposals: any('yes') }), 'proposals is true or false'],
      [async () => control.log({ after: any('5') }), 'after is a whole number'],
      [() => control.forgetExecutor(any(undefined)), 'The id of an executor is a text'],
    ];
    for (const [give, says] of wrong) {
      const since = performance.now();
      const error = await Promise.resolve()
        .then(give)
        .then(
          () => null,
          (thrown: unknown) => thrown,
        );
      expect(error, `${give}`).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect((error as Error).message, `${give}`).toMatch(says);
      expect((error as Error).message).not.toMatch(/store|could not be (read|planned)/);
      expect(performance.now() - since).toBeLessThan(2000);
    }
    const types: string[] = [];
    for await (const { type } of control.log()) types.push(type);
    expect(types.filter((type) => type !== 'refused')).toHaveLength(2); // of what was no target the attempt is kept
  });

  test('an unknown option is refused, with the one that was meant', async () => {
    const control = await setUp();
    const typed: ReadonlyArray<readonly [() => unknown, string]> = [
      [() => control.kill(any({ target: 'all', until: '30m' })), 'Did you mean "expiresAt"?'],
      [() => control.kill(any({ target: 'all', wait: 5 })), 'Did you mean "waitMs"?'],
      [() => control.kill(any({ target: 'all', duration: 5 })), 'Did you mean "lastsMs"?'],
      [() => control.revive(any({ target: 'all', reson: 'x' })), 'Did you mean "reason"?'],
      [() => control.setMode(any({ mode: 'live', reasn: 'x' })), 'Did you mean "reason"?'],
      [() => control.setFeature(any({ feature: 'f', stage: 'live' })), 'Did you mean "name"?'],
      [() => control.setLimit(any({ name: 'l', valu: 5 })), 'Did you mean "value"?'],
      [() => control.setAutonomy(any({ name: 'a', stage: 'trusted' })), 'Did you mean "action"?'],
      [() => control.setFlags(any({ flags: {} })), 'Did you mean "definition"?'],
      [() => control.recover(any({ reason: 'r', excludes: ['a'] })), 'Did you mean "exclude"?'],
      [() => control.interventions(any({ limits: 5 })), 'Did you mean "limit"?'],
      [async () => control.log(any({ aftr: 5 })), 'Did you mean "after"?'],
      [() => control.forgetExecutor('x', any({ writers: 'y' })), 'Did you mean "writer"?'],
      [() => control.kills(any({ limits: 5 })), 'Did you mean "limit"?'],
      [() => control.executors(any({ offset: 5 })), 'Did you mean "skip"?'],
      [() => control.surfaces(any({ take: 5 })), 'Did you mean "limit"?'],
      [async () => control.follow(any({ sgnal: null })), 'Did you mean "signal"?'],
      [() => (control.forks as (options: unknown) => unknown)({ limit: 5 }), 'forks takes no options'],
    ];
    for (const [give, says] of typed) {
      const error = await Promise.resolve()
        .then(give)
        .catch((thrown: unknown) => thrown);
      expect(error, `${give}`).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(says) });
    }
    const { memory } = memoryStore();
    const options = { store: memoryControlStore({ memory }), operator: { id: 'ann' } };
    for (const [more, says] of [
      [{ organizationID: 'x' }, 'Did you mean "organizationId"?'],
      [{ organisation: 'x' }, 'Did you mean "organizationId"?'],
      [{ operator: { name: 'ann' } }, 'Did you mean "id"?'],
      [{ operator: undefined }, 'operator'],
      [{ operate: 'yes' }, 'operate is true or false'],
      [{ retryMs: Number.NaN }, 'retryMs is a number'],
      [{ onTrouble: 'log' }, 'onTrouble is a function'],
    ] as const)
      await expect(openControlPlane(any({ ...options, ...more }))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(says),
      });
  });

  test.each(Object.entries(REFUSED_RULES))('a base mode’s rule is refused: %s', async (_, [targeting, why]) => {
    const control = await setUp();
    const before = await control.status();
    await expect(control.setMode({ mode: 'live', reason: 'r', targeting })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(why),
    });
    expect((await control.status()).epoch).toBe(before.epoch);
  });

  test('the caller may change its objects afterwards: the log has them as they were', async () => {
    const control = await setUp();
    const rule = { if: [{ '==': [{ var: 'agent_id' }, 'x'] }, 'read_only', 'draft_only'] };
    const setting = control.setMode({ mode: 'read_only', targeting: rule, reason: 'canary' });
    rule.if.splice(0);
    await setting;
    expect((await control.status()).targeting).toEqual({
      if: [{ '==': [{ var: 'agent_id' }, 'x'] }, 'read_only', 'draft_only'],
    });
  });

  test('an epoch that has not been reached loosens nothing; a tightening does not look at it', async () => {
    const control = await setUp();
    await control.kill({ target: 'all' });
    const refused = {
      code: 'INVALID_ARGUMENT',
      message: /^Epoch 99 has not been reached here: the log ends at epoch 2/,
    };
    await expect(control.revive({ target: 'all', reason: 'r', epoch: 99 })).rejects.toMatchObject(refused);
    await expect(control.setMode({ mode: 'live', reason: 'r', epoch: 99 })).rejects.toMatchObject(refused);
    expect(await control.setMode({ mode: 'full_stop', epoch: 99 })).toMatchObject({ epoch: 3 });
    expect((await control.kills()).data).toHaveLength(1);
  });

  test('an executor that nobody knows cannot be forgotten', async () => {
    const control = await setUp();
    for (const id of ['', 'nobody'])
      await expect(control.forgetExecutor(id)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: /kill-switch executors/,
      });
    await expect(control.forgetExecutor('nobody', { writer: 'uid 1' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('getters of the options are read before anything is asked, and what they throw reaches their caller', async () => {
    const control = await setUp();
    await expect(
      control.kill(Object.defineProperty({ target: 'all' }, 'reason', { get: bad, enumerable: true }) as KillOptions),
    ).rejects.toThrow('unreadable');
    await expect(control.kill(any(Object.assign(Object.create(throwing), { target: 'agent:y' })))).rejects.toThrow(
      'no',
    );
    expect(await control.verifyLog()).toMatchObject({ events: 1 });
  });
});

describe('a store of the other side', () => {
  const executors: readonly (() => ExecutorStore)[] = [
    () => redisStore({ url: 'redis://u:hunter2@localhost:1' }),
    () => fileStore({ directory: join(temporaryFolder('given').path, 'switch') }),
    () => memoryStore(),
  ];
  const operators: readonly (() => ControlStore)[] = [
    () => redisControlStore({ url: 'redis://u:hunter2@localhost:1' }),
    () => fileControlStore({ directory: join(temporaryFolder('given').path, 'switch') }),
    () => memoryControlStore(memoryStore()),
  ];

  test('is refused by openControlPlane, which says which to use', async () => {
    for (const [index, name] of ['redisControlStore', 'fileControlStore', 'memoryControlStore'].entries()) {
      const error = await openControlPlane({ store: any(executors[index]?.()), operator: { id: 'ann' } }).catch(
        (thrown: unknown) => thrown as Error,
      );
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`It takes ${name} (`) });
      expect((error as Error).message).not.toContain('hunter2');
    }
    for (const store of [undefined, null, 'redis://localhost', {}])
      await expect(openControlPlane({ store: any(store), operator: { id: 'ann' } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('needs a store'),
      });
  });

  test('is refused by createKillSwitch and by the provider', async () => {
    for (const [index, name] of ['redisStore', 'fileStore', 'memoryStore'].entries()) {
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(`It takes ${name} (`) };
      const store = any(operators[index]?.());
      await expect(createKillSwitch({ store, domain: `given-${index}` })).rejects.toMatchObject(refused);
      expect(() => new KillSwitchProvider({ store })).toThrow(expect.objectContaining(refused));
    }
  });
});
