import { expect, test, vi } from 'vitest';
import type { Fault, Mode } from '../../flags/index.ts';
import { Deadlines } from '../../guard/evaluate.ts';
import { LookedAt } from '../../guard/looked-at.ts';
import { leap } from '../leap.ts';

const reading = (mode: Mode) => ({ mode, cause: { kind: 'mode' }, epoch: 1 }) as const;

/** Work that was let through as `live`, and the questions that its refreshes ask, to be answered by the test. */
function open({ sourceFault = (): Fault | null => null } = {}) {
  const answers: Array<(mode: Mode) => void> = [];
  const lookedAt = new LookedAt(
    {
      client: {
        getStringDetails: (flagKey) =>
          new Promise((resolve) => {
            answers.push((value) => resolve({ flagKey, value, variant: value, flagMetadata: {} }));
          }),
      },
      deadlines: new Deadlines(),
      sourceFault,
      isClosed: () => false,
      replica: null,
    },
    { organizationId: 'default', agentId: 'x', effect: 'write' },
    { evaluated: reading('live'), askedAt: performance.now() },
  );
  return { lookedAt, answers };
}

test('is decided by the answer that came last, until there is another', async () => {
  const { lookedAt, answers } = open();
  expect(lookedAt.look().mode).toBe('live');
  const refreshed = lookedAt.refresh();
  expect(lookedAt.look().mode).toBe('live');
  answers[0]?.('full_stop');
  await refreshed;
  expect(lookedAt.look().mode).toBe('full_stop');
});

test('is stopped in the turn in which whoever answers is found to be another, and goes on when that is over', () => {
  let fault: Fault | null = null;
  const { lookedAt } = open({ sourceFault: () => fault });
  expect(lookedAt.look().verdict).toBe('allow');
  fault = { code: 'DOMAIN_TAKEN', message: 'by another' };
  expect(lookedAt.look()).toMatchObject({ verdict: 'block', cause: { ...fault, kind: 'fault' } });
  fault = null;
  expect(lookedAt.look().verdict).toBe('allow');
});

test('is not decided by an answer to a question that was asked before the one whose answer it has', async () => {
  const { lookedAt, answers } = open();
  const older = lookedAt.refresh();
  leap(10);
  const newer = lookedAt.refresh();
  answers[1]?.('full_stop');
  await newer;
  answers[0]?.('live');
  await older;
  expect(lookedAt.look().mode).toBe('full_stop');
});

test('is decided by the later of two answers to questions of the same moment', async () => {
  const now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now);
  const { lookedAt, answers } = open();
  const [first, second] = [lookedAt.refresh(), lookedAt.refresh()];
  answers[0]?.('live');
  await first;
  answers[1]?.('full_stop');
  await second;
  clock.mockRestore();
  expect(lookedAt.look().mode).toBe('full_stop');
});

test('is as old as the last question that was answered', async () => {
  const { lookedAt, answers } = open();
  leap(5000);
  expect(lookedAt.ageMs()).toBeGreaterThanOrEqual(5000);
  const refreshed = lookedAt.refresh();
  leap(100);
  expect(lookedAt.ageMs()).toBeGreaterThanOrEqual(5100);
  answers[0]?.('live');
  await refreshed;
  expect(lookedAt.ageMs()).toBeGreaterThanOrEqual(100);
  expect(lookedAt.ageMs()).toBeLessThan(1100);
});
