import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { temporaryFolder } from '../servers/lifetime.ts';
import { openSwitch } from './open-switch.ts';

test('an executor with any number of open runs is heard, and its beat says how many it does not name', async () => {
  const directory = join(temporaryFolder('runs').path, 'switch');
  const { control, killSwitch } = await openSwitch(
    { store: fileStore({ directory }), controlStore: fileControlStore({ directory }) },
    { leaseMs: 60_000 }, // to open so many keeps the event loop busy for seconds
  );
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begun = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const execute = (): Promise<void> => {
    begun();
    return ended;
  };
  const work = killSwitch.action({ name: 'work', execute });
  const runs = 20_000;
  const open = (index: number, does: () => Promise<unknown>): Promise<void> =>
    killSwitch.run(
      { agentId: `agent-${index % 3}`, runId: `${'r'.repeat(80)}${index}` },
      async () => void (await does()),
    );
  const opened = Array.from({ length: runs - 1 }, (_, index) => open(index, () => ended));
  opened.push(open(runs - 1, () => work.attempt(undefined)));
  onTestFinished(async () => {
    end();
    await Promise.all(opened);
  });
  await hasBegun;
  const { epoch } = await control.kill({ target: 'all' });
  await vi.waitFor(
    async () =>
      expect((await control.executors()).data).toMatchObject([{ state: 'draining', epoch, in_flight: 1, draining: 1 }]),
    10_000,
  );
  const beats = join(directory, 'executors', 'default', 'beats');
  const [name = ''] = readdirSync(beats);
  const text = readFileSync(join(beats, name), 'utf8');
  expect(text.length).toBeLessThan(100_000);
  const beat = JSON.parse(text) as { agents: string[]; runs: string[]; more_runs: number };
  expect(beat).not.toHaveProperty('more_agents');
  expect(beat.agents).toHaveLength(3);
  expect(beat.runs.length + beat.more_runs).toBe(runs);
  end();
  await vi.waitFor(
    async () => expect((await control.executors()).data).toMatchObject([{ state: 'stopped', in_flight: 0 }]),
    10_000,
  );
});
