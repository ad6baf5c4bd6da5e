import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../../guard/on-abort.ts';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('a signal gets one listener, however many subscribe, and none when all have unsubscribed', () => {
  const { signal } = new AbortController();
  const listener = (): void => {};
  const unsubscribe = [onAbort(signal, listener), onAbort(signal, listener)];
  expect(listenersOf(signal)).toBe(1);
  unsubscribe[0]?.();
  unsubscribe[0]?.();
  expect(listenersOf(signal)).toBe(1);
  unsubscribe[1]?.();
  expect(listenersOf(signal)).toBe(0);
  onAbort(signal, listener);
  expect(listenersOf(signal)).toBe(1);
});

test('all that are subscribed are called in their order when it fires, also where one unsubscribes another then', () => {
  const controller = new AbortController();
  const called: string[] = [];
  onAbort(controller.signal, () => {
    called.push('first');
    unsubscribeLast();
  });
  const unsubscribe = onAbort(controller.signal, () => called.push('unsubscribed'));
  const unsubscribeLast = onAbort(controller.signal, () => called.push('last'));
  unsubscribe();
  controller.abort();
  expect(called).toEqual(['first', 'last']);
  expect(listenersOf(controller.signal)).toBe(0);
});

test('a signal that has fired calls at once, and is not listened to', () => {
  const signal = AbortSignal.abort();
  let calls = 0;
  const unsubscribe = onAbort(signal, () => {
    calls += 1;
  });
  expect([calls, listenersOf(signal)]).toEqual([1, 0]);
  unsubscribe();
});
