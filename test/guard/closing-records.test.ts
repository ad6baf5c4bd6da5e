import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import { Replica } from '../../store/replica.ts';
import { openMemorySwitch } from './open-switch.ts';

/** A switch, and what was recorded of each call, the oldest first. */
async function setUp(mode: Mode = 'live') {
  const { killSwitch, control } = await openMemorySwitch({ mode, agentId: 'x' });
  const recorded = async (): Promise<unknown[]> =>
    (await control.interventions({ limit: 100 })).data
      .map(({ status, cause }) => `${status}${cause.kind === 'fault' ? ` ${cause.code}` : ''}`)
      .reverse();
  return { killSwitch, recorded };
}

function gate() {
  let letGo = (): void => {};
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const open = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { reached, letGo: () => letGo(), pass: () => (reach(), open) };
}

const BLOCKED = 'blocked CLOSED';

describe('a call that closing ends is recorded before the reports are flushed', () => {
  test('where it is paused', async () => {
    const { killSwitch, recorded } = await setUp('paused');
    const action = killSwitch.action({ name: 'a.b', execute: () => 'ran' });
    const calls = Array.from({ length: 10 }, () => action(undefined).catch((error: unknown) => error));
    await vi.waitFor(async () => expect(await recorded()).toHaveLength(10));
    await killSwitch.close();
    for (const call of await Promise.all(calls)) expect(call).toMatchObject({ code: 'BLOCKED' });
    expect(await recorded()).toEqual([
      ...Array.from({ length: 10 }, () => 'paused'),
      ...Array.from({ length: 10 }, () => BLOCKED),
    ]);
  });

  test('where it is about to ask for the mode, or is being decided; so is a tick', async () => {
    const { killSwitch, recorded } = await setUp();
    const { reached, pass, letGo } = gate();
    OpenFeature.addHooks({ before: pass });
    const action = killSwitch.action({ name: 'a.b', execute: () => 'ran' });
    const tick = killSwitch.job({ agentId: 'x' }, () => 'ran')();
    const call = action.attempt(undefined);
    await reached;
    const late = action.attempt(undefined);
    const closed = killSwitch.close();
    setTimeout(letGo, 50);
    await closed;
    expect([(await call).status, (await late).status, (await tick).status]).toEqual(['blocked', 'blocked', 'skipped']);
    const ends = await recorded();
    expect(ends).toHaveLength(3);
    expect(ends.filter((end) => end === BLOCKED)).toHaveLength(2);
    expect(ends).toContain('skipped CLOSED');
  });

  test('where the store has just confirmed it', async () => {
    const { killSwitch, recorded } = await setUp();
    const { reached, pass, letGo } = gate();
    const { confirmNow } = Replica.prototype;
    const held = vi.spyOn(Replica.prototype, 'confirmNow').mockImplementation(async function (this: Replica, ms) {
      const outcome = await confirmNow.call(this, ms);
      await pass();
      return outcome;
    });
    const call = killSwitch.action({ name: 'a.b', irreversible: true, execute: () => 'ran' }).attempt(undefined);
    await reached;
    const closed = killSwitch.close();
    setTimeout(letGo, 50);
    await closed;
    held.mockRestore();
    expect((await call).status).toBe('blocked');
    expect(await recorded()).toEqual([BLOCKED]);
  });

  test.each(['draft', 'redirect'] as const)('where its %s handler is at work', async (kind) => {
    const { killSwitch, recorded } = await setUp(kind === 'draft' ? 'draft_only' : 'test_mode');
    const { reached, pass, letGo } = gate();
    const handler = async (): Promise<string> => {
      await pass();
      return 'made';
    };
    const call = killSwitch.action({ name: 'a.b', execute: () => 'ran', [kind]: handler }).attempt('it');
    await reached;
    const closed = killSwitch.close();
    setTimeout(letGo, 50);
    await closed;
    expect((await call).status).toBe('blocked');
    expect(await recorded()).toEqual([BLOCKED]);
  });

  test('and one that begins when the switch is closed is not', async () => {
    const { killSwitch, recorded } = await setUp();
    const action = killSwitch.action({ name: 'a.b', execute: () => 'ran' });
    await killSwitch.close();
    expect((await action.attempt(undefined)).status).toBe('blocked');
    expect(await recorded()).toEqual([]);
  });
});
