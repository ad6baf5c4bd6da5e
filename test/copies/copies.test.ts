import { beforeAll, describe, expect, test } from 'vitest';
import { packageCopy, play } from './package-copy.ts';

let [first, second, older] = ['', '', ''];
beforeAll(() => {
  [first, second, older] = [packageCopy(), packageCopy(), packageCopy({ branded: false })];
});

const executed = { status: 'executed', cause: { kind: 'mode' } };
const refused = {
  code: 'INVALID_ARGUMENT',
  message: expect.stringMatching(/"kill-switch" has an open kill switch.*another domain/s),
};
const taken = {
  status: 'blocked',
  cause: { kind: 'fault', code: 'DOMAIN_TAKEN', message: expect.stringContaining('"kill-switch"') },
};

describe.concurrent('two copies of the package in one process', () => {
  test.each(['one domain', 'one domain, a provider alone'])(
    'on %s: the second is refused, the first goes on',
    async (scene) => {
      expect(await play(scene, first, second)).toMatchObject({ refused, after: executed });
    },
  );

  test('that start at the same time: the first has the domain, also among switches of one copy', async () => {
    const codes = ['INVALID_ARGUMENT', 'INVALID_ARGUMENT'];
    expect(await play('at the same time', first, second)).toEqual({ others: codes, after: executed });
  });

  test('a second switch of one copy over a provider alone is refused too', async () => {
    expect(await play('one domain, a provider alone', first, first)).toMatchObject({ refused, again: refused });
  });

  test('one after the other share a domain', async () => {
    expect(await play('closed before', first, second)).toEqual({ after: executed });
  });

  test('on two domains work side by side, behind one hook, and a kill reaches both', async () => {
    const killed = { status: 'blocked', cause: { kind: 'kill' } };
    expect(await play('two domains', first, second)).toMatchObject({
      hooks: 1,
      careless: 'full_stop',
      before: [executed, executed, executed],
      killed: [killed, killed],
    });
  });

  test('one accepts a store of the other, and each recognises the errors of both', async () => {
    expect(await play('a store of the other', first, second)).toEqual({ acted: executed, known: true });
  });
});

describe.concurrent('an old copy without brands', () => {
  test('that came first is recognised: the second is refused', async () => {
    expect(await play('one domain', older, second)).toMatchObject({ refused, after: executed });
  });

  test('that takes a domain over stops the switch which was there, until that is created anew, and its decisions say why', async () => {
    expect(await play('taken over', first, older)).toMatchObject({
      before: executed,
      taken,
      afterwards: taken,
      anew: executed,
      careless: 'full_stop',
    });
  });

  test('that takes a domain over loosens nothing where the mode comes from a provider alone', async () => {
    expect(await play('taken over, a provider alone', first, older)).toEqual({ taken });
  });

  test('on two domains work side by side', async () => {
    expect(await play('two domains', first, older)).toMatchObject({
      careless: 'full_stop',
      before: [executed, executed, executed],
      killed: [{ status: 'blocked' }, { status: 'blocked' }],
    });
  });
});

test('a provider of the app’s own that takes the domain over stops work in flight', async () => {
  expect(await play('taken over while it works', first, second)).toEqual({ ...taken, status: 'aborted' });
});
