import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fileStore } from '../../../store/file/index.ts';
import { ask, heldCall, openAsker } from '../../guard/asking.ts';
import { fileSwitch, start } from './command.ts';

async function setUp() {
  const ks = fileSwitch();
  await ks.here('init');
  await ks.here('mode', 'approval_gated', '--reason', 'test');
  const asker = await openAsker(fileStore({ directory: ks.directory }), 'returns', 5000);
  const by = (operator: string, ...args: string[]) => ks.here(...args, '--operator', operator, '--json');
  return { ks, asker, by };
}

test('a request is listed, shown with its exact arguments, approved with the hash that was shown, and used', async () => {
  const { ks, asker } = await setUp();
  expect(await ks.here('approvals')).toMatchObject({ stdout: '', stderr: 'Nobody is asked for an approval.\n' });
  const call = heldCall({ cents: 500, to: 'ann\u202e@example.test', password: 'hunter2' });
  const id = await ask(asker, call, { description: 'Refund \u200b5 USD', costUsd: 5 });
  const list = await ks.run('approvals');
  expect(list.stdout).toMatch(
    new RegExp(`^${id} +pending +payments\\.refund +returns-bot +.* \\$5 +no +0/1 +"Refund \\\\u200b5 USD"$`, 'm'),
  );
  const shown = await ks.run('approvals', 'show', id);
  expect(shown.stdout).toContain(`In the agent's own words: "Refund \\u200b5 USD"`);
  expect(shown.stdout).toContain('"to": "ann\\u202e@example.test"');
  expect(shown.stdout).toContain('"password": "[redacted]"');
  expect(shown.stdout).toContain(`(hash ${call.inputHash})`);
  expect(shown.stdout).toMatch(/No request of payments\.refund that was approved is kept whole/);
  expect(shown.stdout + list.stdout).not.toMatch(/hunter2|\u202e|\u200b/);
  expect((await ks.json('status')).json).toMatchObject({ held_approvals: 1 });
  expect((await ks.run('status')).stdout).toMatch(/^Waiting {3}1 request for a person: kill-switch approvals$/m);

  expect(await ks.here('approve', id, '--hash', 'f'.repeat(64), '--json')).toMatchObject({
    code: 1,
    json: { code: 'OTHER_ARGUMENTS' },
  });
  const approved = await ks.run('approve', id, '--hash', call.inputHash, '--notes', 'as agreed');
  expect(approved).toMatchObject({ code: 0 });
  expect(approved.stdout).toMatch(
    /^payments\.refund of agent:returns-bot \([^)]+\) is approved, at epoch 3: once, until /,
  );
  expect((await ks.json('approvals', 'show', id)).json).toMatchObject({
    ...{ id, status: 'approved', input_hash: call.inputHash, approvals_needed: 1, approvals_given: 1 },
    ...{ decided_by: 'unverified:dana', decision_notes: 'as agreed', requested_by: 'returns', run_id: 'run-7' },
  });
  expect(await asker.approving.use(id, call, 'u')).toMatchObject({ is: 'claimed' });
  expect((await ks.json('approvals', '--status', 'used')).json).toMatchObject({ count: 1, data: [{ id }] });
  expect((await ks.run('log')).stdout).toMatch(
    new RegExp(`unverified:dana  approve  ${id} payments\\.refund agent:returns-bot  "as agreed"`),
  );
});

test('what differs from the last approved one is shown', async () => {
  const { ks, asker } = await setUp();
  const first = await ask(asker, heldCall({ cents: 500, order: { id: 1007, items: ['a'] } }));
  await ks.here('approve', first);
  const second = await ask(asker, heldCall({ cents: 50_000, order: { id: 1008, items: ['a', 'b'] } }));
  const { stdout } = await ks.here('approvals', 'show', second);
  expect(stdout).toContain(`What differs from the last one of payments.refund that was approved (${first}, asked at`);
  for (const line of ['  cents: 500 → 50000', '  order.id: 1007 → 1008', '  order.items[1]: nothing → "b"'])
    expect(stdout.split('\n')).toContain(line);
  expect((await ks.here('approvals', 'show', second, '--json')).json.last_approved).toEqual({
    id: first,
    requested_at: expect.any(String),
    differences: [
      { path: 'cents', was: 500, is: 50_000 },
      { path: 'order.id', was: 1007, is: 1008 },
      { path: 'order.items[1]', is: 'b' },
    ],
  });
});

test('several are decided by their ids, never all at once, and one that is refused keeps none of the others', async () => {
  const { ks, asker } = await setUp();
  const [one, two, three] = [await ask(asker), await ask(asker), await ask(asker)];
  for (const all of ['all', '*', 'payments.*'])
    expect(await ks.here('approve', all, '--json'), all).toMatchObject({
      code: all === 'all' ? 1 : 2,
    });
  await asker.approving.cancel(two);
  const told = await ks.here('approve', three.slice(0, 8), 'no-such-request');
  expect(told.stdout).toContain('Each is named by its whole id. See what there is: kill-switch approvals');
  expect(told.stdout).not.toContain('standingApprovals()');
  const decided = await ks.here('approve', one, two, three, '--json');
  expect(decided).toMatchObject({
    code: 1,
    json: {
      approvals: [
        { approval: { id: one, status: 'approved' }, already: false },
        { id: two, code: 'APPROVAL_ENDED', detail: expect.stringContaining('was given up by its executor') },
        { approval: { id: three, status: 'approved' } },
      ],
    },
  });
  expect(await ks.here('reject', one, three, '--reason', 'no')).toMatchObject({ code: 0 });
  expect((await ks.here('approvals', '--status', 'rejected', '--json')).json).toMatchObject({ count: 2 });
  expect(await ks.here('approve', one, '--json')).toMatchObject({ code: 1, json: { code: 'APPROVAL_ENDED' } });
});

test('an approver can approve for fewer; the log names what they gave', async () => {
  const { ks, asker } = await setUp();
  const call = heldCall({ cents: 500 });
  const id = await ask(asker, call);
  const file = join(ks.folder, 'edited.json');
  writeFileSync(file, '{ "cents": 250 }');
  const { stdout } = await ks.here('approve', id, '--input', file);
  expect(stdout).toContain('is approved, with the arguments that you gave, at epoch 3');
  const less = heldCall({ cents: 250 });
  const edited = { input: '{"cents":250}', input_hash: less.inputHash };
  expect(await asker.approving.use(id, call, 'u')).toMatchObject({ is: 'claimed', edited });
  const events = (await ks.json('log')).json.data;
  expect(events.at(-1)).toMatchObject({ type: 'approve', data: { edited, request: { input_hash: call.inputHash } } });
  writeFileSync(file, '{ "token": "[redacted]" }');
  const other = await ask(asker);
  expect(await ks.here('approve', other, '--input', file, '--json')).toMatchObject({
    json: { code: 'INVALID_ARGUMENT' },
  });
  writeFileSync(file, JSON.stringify('x'.repeat(70_000)));
  expect(await ks.here('approve', other, '--input', file, '--json')).toMatchObject({
    json: { code: 'INVALID_ARGUMENT' },
  });
  expect((await ks.here('approvals', 'show', other, '--json')).json).toMatchObject({ status: 'pending' });
});

test('edited arguments that reading would change, or that are a number for a text, are refused; who gave others is named', async () => {
  const { ks, asker, by } = await setUp();
  const id = await ask(asker, heldCall({ usd: '60.00', cents: 5, token: 'sk-live-1234567890abcdef' }), {
    approvals: 2,
  });
  const file = join(ks.folder, 'edited.json');
  const approve = (text: string, name = 'ann') => {
    writeFileSync(file, text);
    return by(name, 'approve', id, '--input', file);
  };
  const refused = async (text: string) => (await approve(text)).json;
  expect(await refused('{"usd":"1.00","cents":9007199254740993}')).toMatchObject({
    detail: expect.stringContaining('the number 9007199254740993, which would become 9007199254740992'),
  });
  expect(await refused('{"usd":"1.00","usd":"199.00"}')).toMatchObject({
    detail: expect.stringContaining('"usd" twice'),
  });
  expect(await refused('{"usd":40}')).toMatchObject({
    code: 'INVALID_ARGUMENT',
    detail: 'usd of the edited input is a number, and a text in what was asked for: give a text.',
  });
  expect(await refused('{"cents":"5"}')).toMatchObject({ detail: expect.stringMatching(/^cents .* give a number\.$/) });
  expect(await approve('{"usd":"40.00","cents":null,"token":7}')).toMatchObject({ code: 0 });
  expect((await approve('{"usd":"41.00"}', 'bob')).json).toMatchObject({
    code: 'OTHER_ARGUMENTS',
    detail: expect.stringContaining('unverified:ann has approved it with other arguments; to correct them, reject it'),
  });
});

test('whoever has asked cannot approve, by any of their names, and two approvals are of two people', async () => {
  const { asker, by } = await setUp();
  const id = await ask(asker, heldCall(), { approvals: 2 });
  for (const name of ['returns', 'returns-bot', 'Returns', 'RETURNS-BOT'])
    expect(await by(name, 'approve', id), name).toMatchObject({ code: 1, json: { code: 'SELF_APPROVAL' } });
  for (const name of ['agent:returns-bot', 'unverified:returns', 'unverified:ann', 'ann\u200b'])
    expect(await by(name, 'approve', id), name).toMatchObject({ json: { code: 'INVALID_ARGUMENT' } });
  expect((await by('ann', 'approve', id)).json).toMatchObject({ approval: { status: 'pending', approvals_given: 1 } });
  for (const name of ['ann', 'Ann', 'ａｎｎ'])
    expect(await by(name, 'approve', id), name).toMatchObject({ code: 1, json: { code: 'SAME_APPROVER' } });
  expect((await by('bob', 'approve', id)).json).toMatchObject({ approval: { status: 'approved', approvals_given: 2 } });
  expect((await by('eve', 'approve', id)).json).toMatchObject({ already: true });
  expect(await by('eve', 'approve', 'no-such-request')).toMatchObject({ code: 1, json: { code: 'NOT_FOUND' } });
});

test('an action is approved in advance: so often, for what it matches, until a time, and withdrawn', async () => {
  const { ks, asker } = await setUp();
  const allow = ['approval', 'allow', 'payments.refund', '--agent', 'returns-bot'];
  for (const missing of [[], ['--times', '2'], ['--until', '1h'], ['--times', '0', '--until', '1h']])
    expect(await ks.here(...allow, ...missing), missing.join(' ')).toMatchObject({ code: 2 });
  expect(await ks.here(...allow, '--times', '2', '--until', '40d', '--json')).toMatchObject({ code: 2 });
  const made = await ks.here(...allow, '--match', '{"currency":"usd"}', '--times', '2', '--until', '1h', '--json');
  const { id } = made.json.standing;
  expect(made.json.standing).toMatchObject({
    times: 2,
    used: 0,
    match: { currency: 'usd' },
    allowed_by: 'unverified:dana',
  });
  await asker.replica.confirmNow(1000);
  expect(await asker.approving.useStanding(heldCall({ currency: 'usd' }), 'u')).toMatchObject({ is: 'claimed', id });
  expect((await ks.run('approvals', 'standing')).stdout).toMatch(
    new RegExp(`^${id} +payments\\.refund +returns-bot +- +\\{"currency":"usd"\\} +1/2 `, 'm'),
  );
  expect(await ks.here('approval', 'withdraw', id)).toMatchObject({ code: 0 });
  expect(await ks.here('approval', 'withdraw', id, '--json')).toMatchObject({ code: 1, json: { code: 'NOT_FOUND' } });
  expect((await ks.here('approvals', 'standing', '--json')).json).toEqual({ data: [], count: 0 });
});

test('approvals --follow prints what waits, and then each as it is asked and decided', async () => {
  const { ks, asker } = await setUp();
  const first = await ask(asker);
  const following = start(['approvals', '--follow', '--json', '--store', `file:${ks.directory}`]);
  const next = async (): Promise<{ id: string; status: string }> => JSON.parse(await following.line(() => true));
  expect(await next()).toMatchObject({ id: first, status: 'pending' });
  const second = await ask(asker);
  expect(await next()).toMatchObject({ id: second, status: 'pending' });
  await ks.here('reject', first);
  expect(await next()).toMatchObject({ id: first, status: 'rejected' });
  following.process.kill('SIGINT');
  expect(await following.exited).toBe(0);
});

test('an operating process tells again once what nobody answers, and lets what is over go', async () => {
  const { ks, asker } = await setUp();
  const id = await ask(asker, heldCall(), { expiresMs: 4000, escalateMs: 100 });
  await ks.here('approve', await ask(asker, heldCall(), { expiresMs: 3000 }));
  const watching = start(['watch', '--json', '--store', `file:${ks.directory}`]);
  onTestFinished(() => void watching.end('SIGINT'));
  expect(JSON.parse(await watching.line((line) => line.includes('"escalate"')))).toMatchObject({
    event: { type: 'escalate', actor: 'system', data: { requests: [{ id, action: 'payments.refund' }] } },
  });
  await watching.line((line) => line.includes('"lapse"'));
  await expect
    .poll(async () => (await ks.here('approvals', '--json')).json.data.map((each: { status: string }) => each.status), {
      timeout: 10_000,
    })
    .toEqual(['expired', 'expired']);
  const events = (await ks.here('log', '--json')).json.data;
  expect(events.filter(({ type }: { type: string }) => type === 'escalate')).toHaveLength(1);
});
