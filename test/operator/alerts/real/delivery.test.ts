import { describe, expect, test, vi } from 'vitest';
import type { AlertOptions } from '../../../../operator/given/alert.ts';
import type { ControlPlane } from '../../../../operator/index.ts';
import { memoryControlStore } from '../../../../store/memory/control.ts';
import { Memory } from '../../../../store/memory/index.ts';
import type { ControlStore } from '../../../../store/ports.ts';
import { allStores } from '../../../guard/real-sides.ts';
import { failing, hanging, ok, startReceiver, verify } from './receiver.ts';
import { FAST, openSender } from './sender.ts';

const LONG = { timeout: 15_000, interval: 20 };

async function logOf(control: ControlPlane): Promise<string> {
  const events: unknown[] = [];
  for await (const event of control.log()) events.push(event);
  return JSON.stringify(events);
}

/** A switch that nobody sends for, with a target. */
async function begun(store: ControlStore, more: Partial<AlertOptions> & { readonly to: string }) {
  const { control } = await openSender(store, null);
  await control.init();
  await control.setMode({ mode: 'live', reason: 'launch' });
  const added = await control.addAlert({ name: 'on-call', allowPrivate: true, ...more });
  return { control, secret: added.secret ?? '' };
}

const killEach = async (control: ControlPlane, ...targets: string[]): Promise<void> => {
  for (const target of targets) await control.kill({ target });
};

const killTexts = (...agents: string[]): string[] =>
  agents.map((agent) => `agent:${agent} is stopped (full_stop) by unverified:ann.`);

describe.each(allStores)('alerts over %s', (_name, sides) => {
  test('arrive signed and in order, also those of a time when nobody sent; the secret stands nowhere else', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    const to = `${receiver.url}/hook/pa-th-secret?token=query-secret`;
    const { control, secret } = await begun(controlStore, { to });
    expect(secret).toMatch(/^whsec_/);
    await killEach(control, 'agent:a', 'agent:b');
    await control.revive({ target: 'agent:a', reason: 'fixed' });
    expect(await control.alerts()).toMatchObject({
      ...{ sending: false, count: 1 },
      data: [{ name: 'on-call', to: `${receiver.url}/…`, waiting: 3, delivered_at: null, failure: null }],
    });
    expect((await control.status()).alerts).toEqual({ targets: 1, waiting: 3, failing: [], sending: false });

    const sender = await openSender(controlStore);
    await receiver.until(3);
    expect(receiver.types).toEqual(['kill', 'kill', 'revive']);
    for (const received of receiver.accepted) expect(verify(secret, received)).toEqual(received.body);
    expect(receiver.accepted[0]?.body).toMatchObject({
      data: {
        ...{ target: 'agent:a', mode: 'full_stop', by: 'unverified:ann', reason: null, organization_id: 'default' },
        next: 'kill-switch revive agent:a --reason "…"',
      },
    });
    await vi.waitFor(
      async () =>
        expect(await control.alerts()).toMatchObject({
          sending: true,
          data: [{ waiting: 0, delivered_at: expect.any(String) }],
        }),
      LONG,
    );
    const said = [
      ...[await logOf(control), JSON.stringify(await control.alerts()), JSON.stringify(await control.status())],
      ...[JSON.stringify(receiver.received.map(({ body }) => body)), JSON.stringify(sender.troubles)],
      JSON.stringify(await control.exportDefinition()),
    ].join('\n');
    for (const hidden of [secret, 'pa-th-secret', 'query-secret']) expect(said).not.toContain(hidden);
  });

  test('are tried again while the receiver fails, in order and under the same id, and both are shown', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    receiver.answer = failing;
    const { control } = await begun(controlStore, { to: receiver.url });
    const sender = await openSender(controlStore);
    await killEach(control, 'agent:a', 'agent:b');
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThanOrEqual(3), LONG);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1); // the second waits for the first
    await vi.waitFor(
      async () =>
        expect((await control.alerts()).data).toMatchObject([
          { waiting: 2, failure: { problem: 'it answered 500', failures: expect.any(Number) } },
        ]),
      LONG,
    );
    expect((await control.status()).alerts).toMatchObject({ failing: ['on-call'] });
    receiver.answer = ok;
    await receiver.until(2);
    expect(receiver.texts).toEqual(killTexts('a', 'b'));
    expect(receiver.ids[0]).toBe(receiver.received[0]?.id);
    expect(sender.troubles).toMatchObject([
      expect.stringMatching(/^The alert on-call could not be delivered: it answered 500\. It is tried again/),
      '',
    ]);
  });

  test('that a target does not get are a trouble that is not over because its sender ends', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    receiver.answer = failing;
    const { control } = await begun(controlStore, { to: receiver.url });
    const sender = await openSender(controlStore);
    await killEach(control, 'agent:a');
    await vi.waitFor(() => expect(sender.troubles).toHaveLength(1), LONG);
    await sender.close();
    expect(sender.troubles.at(-1)).toContain('could not be delivered');
    const other = await openSender(controlStore);
    await vi.waitFor(() => expect(other.troubles).toHaveLength(1), LONG);
    await control.removeAlert({ name: 'on-call', reason: 'nobody is there' });
    await vi.waitFor(() => expect(other.troubles.at(-1)).toBe(''), LONG);
  });

  test('to one target wait for no other, nor does the log', async () => {
    const { controlStore } = await sides();
    const [hangs, well] = [await startReceiver(), await startReceiver()];
    hangs.answer = hanging;
    const { control } = await begun(controlStore, { to: hangs.url });
    await control.addAlert({ name: 'well', to: well.url, allowPrivate: true });
    await openSender(controlStore, { ...FAST, attemptMs: 3000 });
    await killEach(control, 'agent:a', 'agent:b', 'agent:c');
    await well.until(3);
    expect(hangs.received).toHaveLength(1);
    expect(hangs.accepted).toEqual([]);
    await vi.waitFor(
      async () =>
        expect((await control.alerts()).data).toMatchObject([
          // the three kills, and before them that the other was added
          { name: 'on-call', waiting: 4, failure: { problem: 'it did not answer within 3 s' } },
          { name: 'well', waiting: 0, failure: null },
        ]),
      LONG,
    );
  });

  test('go where they were told to: no redirect is followed', async () => {
    const { controlStore } = await sides();
    const [first, second] = [await startReceiver(), await startReceiver()];
    first.answer = (response) => void response.writeHead(307, { location: `${second.url}/?s3cret` }).end();
    const { control } = await begun(controlStore, { to: first.url });
    expect(await control.testAlert('on-call')).toEqual({
      id: expect.stringMatching(/^tst_/),
      delivered: false,
      says: 'it answered 307, and redirects are not followed: name the address that it leads to',
    });
    expect(second.received).toEqual([]);
  });

  test('are sent by one of two processes, and by the other when that ends', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    const { control } = await begun(controlStore, { to: receiver.url });
    const [one] = [await openSender(controlStore), await openSender(controlStore)];
    const agents = Array.from({ length: 10 }, (_, index) => `x${index}`);
    await killEach(control, ...agents.map((agent) => `agent:${agent}`));
    await receiver.until(10);
    expect(receiver.texts).toEqual(killTexts(...agents));
    await one.close();
    await killEach(control, 'agent:after');
    await receiver.until(11);
    expect(receiver.received).toHaveLength(11); // each once
  });

  test('are only of what was asked for, from when it was asked, and end when it is removed', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    const { control } = await begun(controlStore, { to: receiver.url, events: ['revive'] });
    await openSender(controlStore);
    await killEach(control, 'agent:a');
    await control.addAlert({ name: 'later', to: receiver.url, events: ['kill'], allowPrivate: true });
    await control.revive({ target: 'agent:a', reason: 'fixed' });
    await receiver.until(1);
    await control.removeAlert({ name: 'on-call', reason: 'enough' });
    await control.removeAlert({ name: 'later', reason: 'enough' });
    await killEach(control, 'agent:b', 'agent:b2', 'agent:b3'); // also before the sender has heard of the removal
    expect((await control.alerts()).data).toEqual([]);
    const again = await control.addAlert({ name: 'on-call', to: receiver.url, allowPrivate: true });
    expect(again.secret).toMatch(/^whsec_/);
    await killEach(control, 'agent:c');
    await receiver.until(2);
    expect(receiver.types).toEqual(['revive', 'kill']);
    expect(receiver.texts[1]).toContain('agent:c');
  });

  test('tell of requests and of refused attempts, of what is given back alone, and of the end of a kill', async () => {
    const { controlStore } = await sides();
    const receiver = await startReceiver();
    const { control } = await begun(controlStore, { to: receiver.url, events: ['request', 'revive'] });
    await openSender(controlStore);
    await control.setGovernance({ secondPerson: 'asker', breakGlass: true, reason: 'two' });
    await killEach(control, 'agent:a');
    const pending = await control.revive({ target: 'agent:a', reason: 'fixed' }).catch((error: unknown) => error);
    const { id } = (pending as { pending: { id: string } }).pending;
    await expect(control.approveRequest({ id })).rejects.toMatchObject({ code: 'SECOND_PERSON_REQUIRED' });
    await receiver.until(2);
    await control.revive({ target: 'agent:a', reason: 'fire', breakGlass: true });
    await control.kill({ target: 'agent:b', lastsMs: 1 });
    await receiver.until(4, 20_000);
    expect(receiver.types).toEqual(['request', 'request', 'revive', 'revive']);
    expect(receiver.texts).toEqual([
      expect.stringContaining('unverified:ann asks another person to agree to revive agent:a'),
      expect.stringContaining('unverified:ann was refused: revive of agent:a (SECOND_PERSON_REQUIRED)'),
      'BREAK GLASS: agent:a is revived by unverified:ann.',
      'The kill of agent:b has ended by its time.',
    ]);
    expect(receiver.accepted[0]?.body.data).toMatchObject({ next: `kill-switch approve ${id}`, reason: 'fixed' });
  });
});

describe('what cannot be delivered', () => {
  test('is given up after three days, which the log says once', async () => {
    let ahead = 0;
    const memory = new Memory({ clock: () => ({ mono: performance.now(), wall: Date.now() + ahead }) });
    const store = memoryControlStore({ memory });
    const receiver = await startReceiver();
    const { control } = await begun(store, { to: receiver.url });
    await killEach(control, 'agent:a', 'agent:b');
    ahead = 73 * 3_600_000;
    await killEach(control, 'agent:c');
    const first = await openSender(store);
    await receiver.until(1);
    expect(receiver.texts).toEqual(killTexts('c'));
    await first.close();
    await openSender(store);
    await killEach(control, 'agent:d');
    await receiver.until(2);
    const undelivered: unknown[] = [];
    for await (const event of control.log()) if (event.type === 'undelivered') undelivered.push(event);
    expect(undelivered).toMatchObject([{ actor: 'system', data: { name: 'on-call', count: 2 } }]);
    expect((await control.alerts()).data).toMatchObject([{ given_up: { count: 2 }, waiting: 0 }]);
  });

  test('because the store was not there is told from memory, and that it is there again', async () => {
    const memory = new Memory();
    const store = memoryControlStore({ memory });
    const receiver = await startReceiver();
    const { control } = await begun(store, { to: receiver.url, events: ['kill', 'store_fault'] });
    await openSender(store);
    await killEach(control, 'agent:a');
    await receiver.until(1);
    memory.fault = 'unreachable';
    await receiver.until(2);
    expect(receiver.accepted[1]?.body).toMatchObject({
      type: 'store_fault',
      data: { text: expect.stringContaining('The store cannot be used.') },
    });
    memory.fault = null;
    await receiver.until(3);
    expect(receiver.texts[2]).toMatch(/^The store can be used again\. It could not for \d+ s\.$/);
    await killEach(control, 'agent:b');
    await receiver.until(4);
    expect(receiver.received).toHaveLength(4);
  });
});
