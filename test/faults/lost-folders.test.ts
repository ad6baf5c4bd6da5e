import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { closeAfterwards, openSwitch } from '../guard/open-switch.ts';
import { temporaryFolder } from '../servers/index.ts';

const KEY = { idempotencyKey: 'k' };

async function open() {
  const directory = join(temporaryFolder('lost').path, 'switch');
  const sides = { store: fileStore({ directory }), controlStore: fileControlStore({ directory }) };
  const { control, killSwitch } = await openSwitch(sides, { agentId: 'x' });
  let ran = 0;
  const pay = killSwitch.action({ name: 'pay', journal: true, execute: async () => (ran += 1) });
  const heard = ({ epoch }: { epoch: number }) =>
    vi.waitUntil(() => killSwitch.check().epoch >= epoch, { timeout: 5000 });
  const folder = (kind: string): string => join(directory, 'executors', 'default', kind);
  return { directory, control, killSwitch, pay, ran: () => ran, heard, folder };
}

describe('a folder that says what must not happen twice', () => {
  test('of the journal that is gone lets nothing start, in a process that knew it and in a new one; back, it goes on', async () => {
    const { directory, control, pay, ran, folder } = await open();
    expect(await pay.attempt(undefined, KEY)).toMatchObject({ status: 'executed' });
    renameSync(folder('journal'), `${folder('journal')}.away`);
    const lost = { status: 'blocked', decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } } };
    for (const key of ['k', 'new', 'k']) {
      const outcome = await pay.attempt(undefined, { idempotencyKey: key });
      expect(outcome).toMatchObject(lost);
      expect(outcome.decision.message).toContain('move it back');
    }
    const options = { store: fileStore({ directory }), domain: 'again', executor: { name: 'other' }, agentId: 'x' };
    const other = await createKillSwitch(options);
    closeAfterwards(other);
    const again = other.action({ name: 'pay', journal: true, execute: async () => 'twice' });
    expect(await again.attempt(undefined, KEY)).toMatchObject(lost);
    await expect(control.runs()).rejects.toThrow('move it back');
    renameSync(`${folder('journal')}.away`, folder('journal'));
    expect(await pay.attempt(undefined, KEY)).toMatchObject({ status: 'executed', repeated: true });
    expect(ran()).toBe(1);
  });

  test('of claims that is gone lets no approval be used, until an operator has changed something', async () => {
    const { control, pay, ran, heard, folder } = await open();
    await heard(await control.setMode({ mode: 'approval_gated' }));
    const held = await pay.attempt(undefined);
    if (held.status !== 'held') throw new Error(held.status);
    const { approvalId } = held;
    await heard(await control.approve({ id: approvalId }));
    expect(await pay.attempt(undefined, { approvalId })).toMatchObject({ status: 'executed' });
    rmSync(folder('claims'), { recursive: true });
    expect(await pay.attempt(undefined, { approvalId })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'STORE_UNREACHABLE' } },
    });
    expect(ran()).toBe(1);
    await heard(await control.kill({ target: 'agent:other', waitMs: 0 }));
    const next = await pay.attempt(undefined);
    if (next.status !== 'held') throw new Error(next.status);
    await heard(await control.approve({ id: next.approvalId }));
    expect(await pay.attempt(undefined, { approvalId: next.approvalId })).toMatchObject({ status: 'executed' });
  });

  test('is made by an executor where an older version has begun the switch, and nobody has changed it since', async () => {
    const { directory, pay, folder } = await open();
    rmSync(join(directory, 'control', 'default', 'folders-made'));
    for (const kind of ['journal', 'claims']) rmSync(folder(kind), { recursive: true });
    expect(await pay.attempt(undefined, KEY)).toMatchObject({ status: 'executed' });
  });
});
