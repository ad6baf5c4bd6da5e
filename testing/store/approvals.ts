import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type AskedApproval, boundBy, type Head, keptApprovalSchema, State } from '../../flags/index.ts';
import type { Approvals, Claim, ClaimAsked } from '../../store/capabilities/approvals.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { SuiteTest } from './log.ts';
import { change, kill, logOf, type StoreSession, type TestExecutor } from './session.ts';

/** What an executor asks for. `head`: that which it holds. */
const asked = (head: Head, more: Partial<AskedApproval> = {}): AskedApproval => ({
  id: randomUUID(),
  action: 'payments.refund',
  input_hash: 'a'.repeat(64),
  agent_id: 'returns-bot',
  run_id: 'r-1',
  mission_id: null,
  requested_by: 'mailer',
  generation: head.generation,
  epoch: head.epoch,
  head_hash: head.hash,
  approvals_needed: 1,
  input: '{"cents":500,"note":"✋ \\u202e"}',
  input_length: 34,
  description: 'Refund 5 USD',
  lineage_agents: ['lead'],
  lineage_missions: [],
  lineage_runs: ['r-0'],
  surface: 'tool',
  feature: null,
  limits: ['refund.max'],
  cost_usd: 0.5,
  reversible: false,
  expires_ms: 3_600_000,
  escalate_ms: 60_000,
  ...more,
});

interface Opened {
  readonly control: ControlConnection;
  readonly keeper: NonNullable<ControlConnection['approvals']>;
  readonly head: Head;
}

/** An initialised store whose driver can ask people. */
async function opened(session: StoreSession): Promise<Opened> {
  const control = await session.initialised();
  const { head } = await control.read([]);
  assert.ok(head && control.approvals, 'this store has no approvals');
  return { control, keeper: control.approvals, head };
}

const approvalsOf = ({ connection }: TestExecutor): Approvals => {
  assert.ok(connection.approvals, 'this store has no approvals');
  return connection.approvals;
};

const HOUR = 3_600_000;
const inAnHour = (): string => new Date(Date.now() + HOUR).toISOString();

const claimOf = (
  executor: TestExecutor,
  held: Head,
  claim: Partial<ClaimAsked> & { readonly id: string },
): Promise<Claim> =>
  approvalsOf(executor).claim(
    { times: null, until: inAnHour(), use: randomUUID(), ...claim },
    { beat: executor.beat(held), nonce: randomUUID() },
  );

/** How many of these claims got a place. */
const places = (claims: readonly Claim[]): number[] =>
  claims.flatMap(({ claim }) => (claim.is === 'claimed' ? [claim.use] : [])).sort((a, b) => a - b);

/** Asking people, and using what they have approved, in a store whose control plane is initialised. */
export const APPROVAL_TESTS: readonly SuiteTest[] = [
  {
    name: 'a request comes to operators as it was asked, with the store’s time, and to nobody of another organization',
    async run(session) {
      const { control, keeper, head } = await opened(session);
      const executor = session.executor();
      await executor.confirm(head);
      const request = asked(head);
      const answer = await approvalsOf(executor).request(request);
      assert.equal(answer.is, 'open');
      const { time } = await control.read([]);
      const at = answer.is === 'open' ? answer.at_ms : 0;
      assert.ok(Math.abs(Date.parse(time) - at) < 10_000, `it was asked at ${at}, and the store's time is ${time}`);
      const { requests, problems } = await keeper.all();
      assert.deepEqual(problems, []);
      assert.deepEqual(
        requests.map(({ writer: _, ...found }) => found),
        [{ id: request.id, request: { ...request, at_ms: at }, end: null, problem: null }],
      );
      assert.deepEqual(await keeper.get(request.id), requests[0]);
      assert.equal(await keeper.get('another'), null);
      assert.deepEqual(await session.control('other').approvals?.all(), { requests: [], problems: [] });
      const expires = new Date(at + HOUR).toISOString();
      assert.deepEqual(await approvalsOf(executor).find(request.id), { is: 'open', expires_at: expires });
      assert.deepEqual(await approvalsOf(session.executor({ name: 'another' })).find(request.id), {
        is: 'open',
        expires_at: expires,
      });
      assert.deepEqual(await approvalsOf(executor).find('another'), { is: 'missing' });
    },
  },
  {
    name: 'a request that is asked again is the same one, and its id is no other request’s',
    async run(session) {
      const { keeper, head } = await opened(session);
      const executor = session.executor();
      const request = asked(head);
      const first = await approvalsOf(executor).request(request);
      assert.deepEqual(await approvalsOf(executor).request({ ...request }), first);
      const other = { ...request, input_hash: 'b'.repeat(64) };
      assert.deepEqual(await approvalsOf(executor).request(other), { is: 'taken' });
      const found = await keeper.get(request.id);
      assert.equal(found?.request?.input_hash, request.input_hash);
      assert.equal(found?.problem, null);
    },
  },
  {
    name: 'what nobody could read is not asked',
    async run(session) {
      const { keeper, head } = await opened(session);
      const approvals = approvalsOf(session.executor());
      const wrong: ReadonlyArray<Partial<AskedApproval>> = [
        { id: 'a.b' },
        { id: '' },
        { id: '../x' },
        { input_hash: 'short' },
        { agent_id: 'a\u0000b' },
        { input: 'x'.repeat(40_000) },
        { description: 'x'.repeat(2001) },
        { approvals_needed: 0 },
        { approvals_needed: 11 },
        { expires_ms: 0 },
        { expires_ms: Number.NaN },
        { expires_ms: 1e15 },
        { cost_usd: -1 },
        { epoch: 2 ** 60 },
      ];
      for (const each of wrong)
        await assert.rejects(async () => approvals.request(asked(head, each)), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual(await keeper.all(), { requests: [], problems: [] });
    },
  },
  {
    name: 'what was approved is claimed once, and whoever has it is told so again',
    async run(session) {
      const { head } = await opened(session);
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      const { id } = asked(head);
      const use = randomUUID();
      const first = await claimOf(x, head, { id, use });
      assert.deepEqual(first.claim, { is: 'claimed', use: 1 });
      assert.deepEqual([first.head, first.events, first.forkReported], [head, [], false]);
      for (const [executor, claim] of [
        [x, { id, use: randomUUID() }],
        [y, { id, use }],
        [y, { id, use: randomUUID() }],
      ] as const)
        assert.deepEqual((await claimOf(executor, head, claim)).claim, { is: 'ended', as: 'used' });
      assert.deepEqual((await claimOf(x, head, { id, use })).claim, { is: 'claimed', use: 1 });
      assert.deepEqual(await approvalsOf(y).find(id), { is: 'ended', as: 'used' });
    },
  },
  {
    name: 'a claim is a confirmation: it brings the events up to the head, and the beat is written',
    async run(session) {
      const { control, head } = await opened(session);
      const executor = session.executor();
      await kill(control, 'run:1');
      const { head: last } = await kill(control, 'run:2');
      const claim = await claimOf(executor, head, { id: randomUUID() });
      assert.deepEqual([claim.head, claim.events], [last, await logOf(control, head.epoch)]);
      assert.deepEqual(
        (await control.executors()).map(({ id }) => id),
        [executor.id],
      );
      const stranger = { ...last, hash: 'f'.repeat(64) };
      assert.equal((await claimOf(executor, stranger, { id: randomUUID() })).events, null);
    },
  },
  {
    name: 'of sixteen who claim at once one has it',
    async run(session) {
      const { head } = await opened(session);
      const executors = Array.from({ length: 16 }, (_, index) => session.executor({ name: `x${index % 4}` }));
      for (let round = 0; round < 5; round += 1) {
        const id = randomUUID();
        const claims = await Promise.all(executors.map((executor) => claimOf(executor, head, { id })));
        assert.deepEqual(places(claims), [1]);
      }
    },
  },
  {
    name: 'a standing approval is used as often as it may be, and no more, by however many at once',
    async run(session) {
      const { keeper, head } = await opened(session);
      const id = randomUUID();
      const executors = Array.from({ length: 8 }, (_, index) => session.executor({ name: `x${index % 2}` }));
      const claim = (executor: TestExecutor): Promise<Claim> => claimOf(executor, head, { id, times: 20 });
      const claims = await Promise.all(
        executors.flatMap((executor) => [claim(executor), claim(executor), claim(executor)]),
      );
      assert.deepEqual(
        places(claims),
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
      assert.equal(await keeper.uses(id, 20), 20);
      const [x = session.executor()] = executors;
      assert.deepEqual((await claim(x)).claim, { is: 'ended', as: 'used' });
      const use = randomUUID();
      const more = await claimOf(x, head, { id, times: 21, use });
      assert.deepEqual(more.claim, { is: 'claimed', use: 21 });
      assert.deepEqual((await claimOf(x, head, { id, times: 21, use })).claim, { is: 'claimed', use: 21 });
      await keeper.forget([], [{ id, times: 21 }]);
      assert.equal(await keeper.uses(id, 21), 0);
    },
  },
  {
    name: 'what has expired is not claimed, and stays expired whatever the time is later',
    async run(session) {
      const { keeper, head } = await opened(session);
      const executor = session.executor();
      const id = randomUUID();
      const over = new Date(Date.now() - 60_000).toISOString();
      const expired = { is: 'ended', as: 'expired' };
      assert.deepEqual((await claimOf(executor, head, { id, until: over })).claim, expired);
      assert.deepEqual((await claimOf(executor, head, { id })).claim, expired);
      assert.deepEqual((await claimOf(executor, head, { id: 's', times: 2, until: over })).claim, expired);
      assert.equal(await keeper.uses('s', 2), 0);
      const [used, waiting] = [randomUUID(), randomUUID()];
      const use = randomUUID();
      assert.equal((await claimOf(executor, head, { id: used, use })).claim.is, 'claimed');
      await keeper.expire([used, waiting]);
      assert.deepEqual((await claimOf(executor, head, { id: waiting })).claim, expired);
      assert.deepEqual((await claimOf(executor, head, { id: used, use, until: over })).claim, {
        is: 'claimed',
        use: 1,
      });
    },
  },
  {
    name: 'a request that is given up is not claimed any more, and one that is claimed is not given up',
    async run(session) {
      const { keeper, head } = await opened(session);
      const executor = session.executor();
      await executor.confirm(head);
      const [given, used] = [asked(head), asked(head)];
      for (const each of [given, used]) await approvalsOf(executor).request(each);
      assert.equal(await approvalsOf(executor).end(given.id, 'cancelled'), 'cancelled');
      assert.equal(await approvalsOf(executor).end(given.id, 'expired'), 'cancelled');
      assert.deepEqual((await claimOf(executor, head, { id: given.id })).claim, { is: 'ended', as: 'cancelled' });
      assert.equal((await claimOf(executor, head, { id: used.id })).claim.is, 'claimed');
      assert.equal(await approvalsOf(executor).end(used.id, 'cancelled'), 'used');
      const ends = new Map((await keeper.all()).requests.map(({ id, end }) => [id, end]));
      assert.deepEqual(
        ends,
        new Map([
          [given.id, 'cancelled'],
          [used.id, 'used'],
        ]),
      );
      assert.equal((await keeper.get(used.id))?.end, 'used');
      await keeper.forget([given.id, used.id]);
      assert.deepEqual(await keeper.all(), { requests: [], problems: [] });
      assert.deepEqual(await approvalsOf(executor).find(used.id), { is: 'missing' });
    },
  },
  {
    name: 'the events between two places of the log are read, if they are not too many',
    async run(session) {
      const { control, head } = await opened(session);
      const { approvals } = { approvals: approvalsOf(session.executor()) };
      for (let index = 0; index < 5; index += 1) await kill(control, `run:${index}`);
      const log = await logOf(control);
      assert.deepEqual(await approvals.events(head, head.epoch + 3, 3), log.slice(1, 4));
      assert.deepEqual(await approvals.events(head, head.epoch, 3), []);
      assert.equal(await approvals.events(head, head.epoch + 5, 3), null);
    },
  },
  {
    name: 'decisions are entries of the state until they can be used no more, for readers of all kinds',
    async run(session) {
      const { control, head } = await opened(session);
      const request = boundBy(keptApprovalSchema.parse({ ...asked(head), at_ms: Date.now() }));
      await change(control, 'approve', { request, edited: { input: '{"cents":1}', input_hash: 'c'.repeat(64) } });
      await change(control, 'standing', {
        ...{ id: 's-1', action: 'payments.refund', agent_id: 'returns-bot', run_id: null },
        ...{ match: { currency: 'usd' }, times: 20, until: inAnHour() },
      });
      const { connection } = session.executor();
      const loaded = await connection.load(null, 'n');
      const entries = new Map(loaded.entries);
      assert.ok(entries.has(`approval:${request.id}`) && entries.has('standing:s-1'));
      const state = new State();
      for (const event of await logOf(control)) state.take(event);
      assert.deepEqual(entries.get(`approval:${request.id}`), state.get('approval', request.id));
      assert.deepEqual(entries.get('standing:s-1'), state.get('standing', 's-1'));
      await change(control, 'lapse', { approvals: [request.id], standing: ['s-1'] });
      const after = new Map((await connection.load(null, 'm')).entries);
      assert.ok(!after.has(`approval:${request.id}`) && !after.has('standing:s-1'));
    },
  },
];
