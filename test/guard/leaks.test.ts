import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openMemorySwitch } from './open-switch.ts';

describe('nothing is kept', () => {
  test('of signals that are read after their run, and of calls that no longer wait', () => {
    const program = fileURLToPath(new URL('leaks.mjs', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { late, waiting } = JSON.parse(stdout) as { late: number; waiting: number };
    expect(late).toBeLessThan(2);
    expect(waiting).toBeLessThan(5); // the records that a memory keeps, among them
  }, 120_000);
});

test('a signal that is first read when its run is over has fired, and says why; one read before is as it was', async () => {
  const { killSwitch } = await openMemorySwitch();
  const over = await killSwitch.run({ agentId: 'bot' }, (run) => run);
  expect(over.signal.aborted).toBe(true);
  expect(over.signal.reason).toMatchObject({
    verdict: 'block',
    agentId: 'bot',
    cause: { kind: 'fault', code: 'CLOSED', message: expect.stringContaining('this run has ended') },
  });
  const read = await killSwitch.run({ agentId: 'bot' }, (run) => [run, run.signal] as const);
  expect(read[0].signal).toBe(read[1]);
  expect(read[1].aborted).toBe(false);
});
