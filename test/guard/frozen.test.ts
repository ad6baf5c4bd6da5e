import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test, vi } from 'vitest';
import * as flags from '../../flags/index.ts';
import { ActionStoppedError, createKillSwitch } from '../../index.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

/** Changes whatever can be changed in all that can be reached from a value. */
function vandalise(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Map) for (const inner of [...value.values()]) vandalise(inner, seen);
  for (const key of Reflect.ownKeys(value)) {
    const before: unknown = Reflect.get(value, key);
    vandalise(before, seen);
    for (const change of [
      () => Reflect.set(value, key, typeof before === 'string' ? 'live' : typeof before === 'number' ? 9e15 : before),
      () => Reflect.set(value, 'forged', 'live'),
      () => Array.isArray(value) && value.reverse(),
    ]) {
      try {
        change();
      } catch {
        // frozen
      }
    }
  }
}

async function setUp() {
  const { control, killSwitch, domain, store } = await openMemorySwitch({ agentId: 'x', mode: null });
  const heard = ({ epoch }: { readonly epoch: number }) =>
    vi.waitFor(() => expect(killSwitch.check().epoch).toBeGreaterThanOrEqual(epoch));
  const mail = killSwitch.action({ name: 'mail.send', execute: () => 'sent', redirect: (input) => input });
  return { control, killSwitch, heard, mail, client: OpenFeature.getClient(domain), domain, store };
}

describe('user code that changes what it was handed', () => {
  test('changes nothing of what is decided next: outcomes, errors, checks, signals', async () => {
    const { control, killSwitch, heard, mail } = await setUp();
    const stopped = new Promise((resolve) => {
      const work = killSwitch.action({
        name: 'work',
        execute: async (_: undefined, { signal }) => {
          await new Promise((end) => signal.addEventListener('abort', end, { once: true }));
          resolve(signal.reason);
        },
      });
      void heard({ epoch: 2 }).then(() => work.attempt(undefined));
    });
    await heard(await control.setMode({ mode: 'live', reason: 'test' }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const everything = async () => ({
      check: killSwitch.check(),
      nobody: killSwitch.check({ action: '' }),
      outcome: await mail.attempt({} as never),
      error: await mail({} as never).catch((error: unknown) => error),
    });
    for (const change of [
      () => control.setMode({ mode: 'test_mode', reason: 'test' }),
      () => control.setMode({ mode: 'read_only', reason: 'test' }),
      () => control.kill({ target: 'agent:x', reason: 'wrong' }),
      () => control.setFeature({ name: 'f', stage: 'shadow', reason: 'test' }),
    ]) {
      await heard(await change());
      const before = await everything();
      const as = JSON.stringify(before);
      const message = before.error instanceof ActionStoppedError ? before.error.message : '';
      vandalise(before);
      const after = await everything();
      expect(JSON.stringify(after)).toBe(as);
      expect(after.error instanceof ActionStoppedError ? after.error.message : '').toBe(message);
    }
    const reason = await stopped;
    vandalise(reason);
    expect(reason).toMatchObject({ verdict: 'redirect', mode: 'test_mode' });
  });

  test.each<readonly [string, (decision: Record<string, unknown>) => void]>([
    ['its mode', (decision) => Object.assign(decision, { mode: 'full_stop' })],
    ['its verdict', (decision) => Object.assign(decision, { verdict: 'block' })],
    ['nothing of it left', (decision) => Object.keys(decision).forEach((key) => delete decision[key])],
    ['its cause', ({ cause }) => Object.assign(cause as object, { kind: 'forged' })],
  ])('keeps no generator going after a kill: %s', async (_name, change) => {
    const { control, killSwitch } = await openMemorySwitch({ agentId: 'x' });
    let signal: AbortSignal | undefined;
    const batch = killSwitch.action({
      name: 'mail.batch',
      execute: (_: undefined, context) => {
        ({ signal } = context);
        // What it is given of the call has no member that the guard goes by.
        for (const member of ['stop', 'release', 'stoppedBy', 'signal'])
          Reflect.defineProperty(context, member, { value: () => false });
        return (async function* () {
          for (;;) yield await new Promise((resolve) => setTimeout(resolve, 5, 'sent'));
        })();
      },
    });
    const outcome = await batch.attempt(undefined);
    if (outcome.status !== 'executed') throw new Error(outcome.status);
    try {
      change(outcome.decision as never);
    } catch {
      // frozen
    }
    const sending = (async () => {
      for (let last: IteratorResult<unknown> | undefined; !last?.done; ) last = await outcome.result.next();
    })().catch((error: unknown) => error);
    await control.kill({ target: 'all', reason: 'wrong' });
    expect(await sending).toMatchObject({ code: 'ABORTED', decision: { cause: { kind: 'kill' } } });
    expect(signal?.reason).toMatchObject({ verdict: 'block', mode: 'full_stop', cause: { kind: 'kill' } });
  });

  test('changes nothing of what is evaluated next: values and metadata of flags', async () => {
    const { control, heard, client } = await setUp();
    const definition = {
      flags: {
        theme: {
          state: 'ENABLED',
          variants: { a: { of: { colour: 'red' } } },
          defaultVariant: 'a',
          metadata: { by: 'us' },
        },
      },
    };
    await control.setMode({
      mode: 'live',
      targeting: { if: [{ '==': [{ var: 'agent_id' }, 'y'] }, 'full_stop', 'live'] },
      reason: 't',
    });
    await heard(await control.setFlags({ definition, reason: 'test' }));
    for (const ask of [
      () => client.getObjectDetails('theme', {}),
      () => client.getStringDetails('kill-switch.mode', 'live', { agent_id: 'x' }),
      () => client.getStringDetails('kill-switch.feature.none', 'live', { agent_id: 'x' }),
    ]) {
      const first = await ask();
      const as = JSON.stringify(first);
      vandalise(first);
      expect(JSON.stringify(await ask())).toBe(as);
    }
  });

  test('changes nothing of what is kept: an operator’s status, kills, log, and what was handed in', async () => {
    const { control, killSwitch, heard, client, store, domain } = await setUp();
    const targeting = { if: [{ '==': [{ var: 'agent_id' }, 'y'] }, 'full_stop', 'live'] };
    await control.setMode({ mode: 'live', targeting, reason: 'test' });
    await heard(await control.kill({ target: 'agent:x', reason: 'wrong' }));
    const events: unknown[] = [];
    for await (const event of control.log()) events.push(event);
    const [status, kills] = [await control.status(), (await control.kills()).data];
    const as = JSON.stringify([status.kills, status.targeting, kills, events]);
    for (const value of [targeting, status, kills, events]) vandalise(value);
    const again: unknown[] = [];
    for await (const event of control.log()) again.push(event);
    const now = await control.status();
    expect(JSON.stringify([now.kills, now.targeting, (await control.kills()).data, again])).toBe(as);
    expect((await control.verifyLog()).ok).toBe(true);
    expect(killSwitch.check().verdict).toBe('block');
    expect(await client.getStringValue('kill-switch.mode', 'live', { agent_id: 'y' })).toBe('full_stop');
    const newcomer = await createKillSwitch({ store, agentId: 'x', domain: `${domain}-newcomer` });
    closeAfterwards(newcomer);
    expect(newcomer.check()).toMatchObject({ verdict: 'block', cause: { kind: 'kill' } });
  });

  test('changes no table, constant or cause that is shared', () => {
    const shared = Object.entries(flags).filter(([, value]) => typeof value === 'object' && value !== null);
    expect(shared.length).toBeGreaterThan(10);
    const open = shared.filter(([, value]) => !Object.isFrozen(value)).map(([name]) => name);
    // Schemas are zod's own objects; nothing that is decided goes by what somebody adds to one.
    expect(open.filter((name) => !name.endsWith('Schema'))).toEqual([]);
    const { cause } = flags.resolveMode(new flags.State(), {}, () => 0);
    expect(Object.isFrozen(cause)).toBe(true);
    expect(Object.isFrozen(flags.CATALOGUE.mode)).toBe(true);
  });
});
