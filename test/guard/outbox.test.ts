import { describe, expect, test, vi } from 'vitest';
import { KillSwitchError } from '../../flags/index.ts';
import { Outbox } from '../../guard/outbox.ts';

const gone = () => new KillSwitchError('STORE_UNREACHABLE', 'gone');

/** Messages that the store takes once it is back, and which it has taken, in order. */
function open() {
  const taken: string[] = [];
  let isBack = false;
  const message = (what: string) => async () => {
    if (!isBack) throw gone();
    taken.push(what);
  };
  const comeBack = (): void => {
    isBack = true;
  };
  return { outbox: new Outbox(), taken, message, comeBack };
}

describe('what the store has not taken', () => {
  test('is sent again, in its order, once the store is back', async () => {
    const { outbox, taken, message, comeBack } = open();
    for (const what of ['a', 'b', 'c']) await outbox.send(message(what));
    expect(taken).toEqual([]);
    comeBack();
    await vi.waitUntil(() => taken.length === 3, 10_000);
    expect(taken).toEqual(['a', 'b', 'c']);
    await outbox.close();
  });

  test('is sent a last time when it is closed, and never after that', async () => {
    const { outbox, taken, message, comeBack } = open();
    await outbox.send(message('a'));
    comeBack();
    await outbox.close();
    expect(taken).toEqual(['a']);
    const late = vi.fn(() => Promise.reject(gone()));
    await outbox.send(late);
    expect(late).toHaveBeenCalledTimes(1);
  });

  test('is given up where no store would ever take it, and holds nothing up', async () => {
    const { outbox, taken, message, comeBack } = open();
    const wrong = vi.fn(() => Promise.reject(new KillSwitchError('INVALID_ARGUMENT', 'wrong')));
    await outbox.send(wrong);
    await outbox.send(message('a'));
    comeBack();
    await outbox.close();
    expect([wrong.mock.calls.length, taken]).toEqual([1, ['a']]);
  });
});
