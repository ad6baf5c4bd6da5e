import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryProvider } from '@openfeature/server-sdk';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openOngoing } from './open-ongoing.ts';
import { closeAfterwards } from './open-switch.ts';

/** What Node warns of: listeners that are added and never taken away. */
function hearWarnings(): string[] {
  const heard: string[] = [];
  const listener = ({ name }: Error): void => void heard.push(name);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  return heard;
}

const aborts = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

async function openProviderAlone() {
  const mode = { variants: { live: 'live' }, defaultVariant: 'live', disabled: false };
  const provider = new InMemoryProvider({ 'kill-switch.mode': mode });
  const killSwitch = await createKillSwitch({ provider, domain: `listeners-${Math.random()}`, agentId: 'x' });
  closeAfterwards(killSwitch);
  return killSwitch;
}

test.each([
  ['asked before each piece', openProviderAlone],
  ['asked now and then', async () => (await openOngoing()).killSwitch],
])('a web stream that waits for its switch leaves no listener behind: %s', async (_how, open) => {
  const warnings = hearWarnings();
  const killSwitch = await open();
  let most = 0;
  let controller: { readonly signal: AbortSignal } | undefined;
  const action = killSwitch.action({
    name: 'rows.write',
    execute: (_input: null) =>
      new WritableStream({
        start: (given) => void (controller = given as unknown as typeof controller),
        write(row: number) {
          const until = performance.now() + (row % 20 === 0 ? 1 : 0); // a turn of the event loop is due now and then
          while (performance.now() < until);
          most = Math.max(most, aborts((controller as unknown as { signal: AbortSignal }).signal));
        },
      }),
  });
  await ReadableStream.from(Array.from({ length: 2000 }, (_, row) => row)).pipeTo(await action(null));
  await sleep(10);
  expect(most).toBeLessThan(3);
  expect(warnings).toEqual([]);
});

test('many calls with one signal have one listener of it, while they go on', async () => {
  const { control, killSwitch, heard } = await openOngoing();
  const warnings = hearWarnings();
  const { signal, abort } = ((controller) => ({
    signal: controller.signal,
    abort: (reason: unknown) => controller.abort(reason),
  }))(new AbortController());
  let begun = 0;
  const action = killSwitch.action({
    name: 'rows.read',
    execute: (_input: null, context) =>
      new Promise<unknown>((resolve) => {
        begun += 1;
        context.signal.addEventListener('abort', () => resolve(context.signal.reason));
      }),
  });
  const running = Array.from({ length: 30 }, () => action(null, { signal }));
  await vi.waitFor(() => expect(begun).toBe(30)); // a busy process begins them over several turns
  expect(aborts(signal)).toBe(1);
  await control.setMode({ mode: 'paused', reason: 'wait' });
  await heard('paused');
  const waiting = Array.from({ length: 30 }, () => action.attempt(null, { signal }));
  await sleep(20);
  expect(aborts(signal)).toBe(1);
  abort('enough');
  expect(await Promise.all(running)).toEqual(Array.from({ length: 30 }, () => 'enough'));
  for (const { status } of await Promise.all(waiting)) expect(status).toBe('paused');
  await sleep(10);
  expect(aborts(signal)).toBe(0);
  expect(warnings).toEqual([]);
});
