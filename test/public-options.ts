import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { KillSwitch } from '../index.ts';
import { createKillSwitch } from '../index.ts';
import { type ControlPlane, openControlPlane, verifyLogFile } from '../operator/index.ts';
import { AGENT_FILTERS } from '../operator/agents.ts';
import {
  APPROVAL_FILTERS,
  EVENT_FILTERS,
  EXECUTOR_FILTERS,
  type FilterValues,
  INTERVENTION_FILTERS,
  KILL_FILTERS,
  STANDING_FILTERS,
  RULE_FILTERS,
  SURFACE_FILTERS,
} from '../operator/list-filters.ts';
import { FlagdKillSwitchProvider } from '../provider/flagd/index.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../provider/index.ts';
import { fileControlStore } from '../store/file/control.ts';
import { fileStore } from '../store/file/index.ts';
import { memoryControlStore } from '../store/memory/control.ts';
import { Memory, memoryStore } from '../store/memory/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import { temporaryFolder } from './servers/lifetime.ts';
import { fakeClock, providerConformance, startFaultProxy, storeConformance } from '../testing/index.ts';

/** A function of the package that takes options, as a caller without types may call it. */
export interface Taker {
  /** Calls it. It throws or rejects, or for `check` answers, with what it says. */
  readonly call: (options: never) => unknown;
  /** Every option there is, with a value that is allowed. What an option nested in them takes is a row of its own. */
  readonly right: Readonly<Record<string, unknown>>;
  /** Options that may have any value. */
  readonly any?: readonly string[];
  /** True where `call` adds options of its own, so that it cannot be given what is no object. */
  readonly adds?: boolean;
  /** True where members of somebody else are allowed: only what is nearly an option is refused. */
  readonly shared?: boolean;
}

const url = 'redis://127.0.0.1:1';
const node = { host: '127.0.0.1', port: 7000 };
const store = memoryStore();
const controlStore = memoryControlStore(store);
const clock = fakeClock();
const inner = new InMemoryProvider({});
const nothing = (): void => {};
const confirm = async (): Promise<void> => {};
const pem = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
const signal = new AbortController().signal;
const execute = (): number => 1;
const operator = { id: 'ann', roles: ['admin'] } as const;
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } };

/** The switch and the control plane whose methods are called. */
export interface Opened {
  readonly killSwitch: KillSwitch;
  readonly control: ControlPlane;
  /** Files that options name. */
  readonly files?: { readonly exported: string; readonly head: string };
}

export async function openBoth(): Promise<Opened> {
  const control = await openControlPlane({ store: controlStore, operator });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const { path } = temporaryFolder('public-options');
  const files = { exported: join(path, 'log.jsonl'), head: join(path, 'head') };
  writeFileSync(files.head, `1 ${'a'.repeat(64)}\n`);
  await control.exportLog({ file: files.exported });
  return { control, files, killSwitch: await createKillSwitch({ store, agentId: 'x', domain: 'public-options' }) };
}

let actions = 0;

/** What was made, closed again. */
const closed = async (made: Promise<{ close(): Promise<void> }>): Promise<void> => (await made).close();

/** These options and those given, whose getters are not called. */
const withOwn = <Own extends object>(own: Own, options: object): Own =>
  Object.defineProperties({ ...own }, Object.getOwnPropertyDescriptors(options));

/** Creates a switch, and closes it. */
async function create(options: object): Promise<void> {
  await closed(createKillSwitch(options));
}

/** Methods of a switch, and of what it gives. */
const switchRows = ({ killSwitch }: Opened): Readonly<Record<string, Taker>> => {
  const define = (options: object): unknown => killSwitch.action(options as never);
  const named = (): { readonly name: string; readonly execute: () => number } => {
    actions += 1;
    return { name: `a.b${actions}`, execute };
  };
  const callOptions = { signal, waitMs: 1, approvalId: 'a-1', idempotencyKey: 'k-1' };
  const identity = { agentId: 'a', missionId: 'm', runId: 'r' };
  const lineage = 'W1tdLFtdLFtdXQ';
  const context = { account_id: 'acme' };
  return {
    'killSwitch.action': {
      call: define,
      right: {
        ...named(),
        ...{ effect: 'read', surface: 'queue', irreversible: false, feature: 'f', inputSchema: schema },
        ...{ limits: {}, spend: {}, redirect: nothing, draft: nothing, describe: nothing },
        reverse: { action: 'a.undo', input: nothing, verbatim: true },
        ...{ journal: true, idempotent: false },
        ...{ approvals: 2, approvalExpiresMs: 60_000, escalateAfterMs: 5000 },
      },
    },
    'a limit of an action': {
      call: (limit) => define({ ...named(), limits: { most: limit } }),
      right: { max: 5, of: nothing },
    },
    'spend of an action': {
      call: (spend) => define({ ...named(), spend }),
      right: { usd: nothing, tokens: nothing, calls: nothing },
    },
    'spend.usd of an action': {
      call: (usd) => define({ ...named(), spend: { usd } }),
      right: { reserve: nothing, settle: nothing },
    },
    'reverse of an action': {
      call: (reverse) => define({ ...named(), reverse }),
      right: { action: 'a.undo', input: nothing, verbatim: true },
    },
    'a call': { call: (options) => killSwitch.action(named())(undefined, options), right: callOptions },
    attempt: { call: (options) => killSwitch.action(named()).attempt(undefined, options), right: callOptions },
    'run.call': {
      call: (options) => killSwitch.run({}, (run) => run.call(killSwitch.action(named()), undefined, options)),
      right: callOptions,
    },
    'run.attempt': {
      call: (options) => killSwitch.run({}, (run) => run.attempt(killSwitch.action(named()), undefined, options)),
      right: callOptions,
    },
    'run.checkpoint': {
      call: (options) => killSwitch.run({}, (run) => run.checkpoint('one', null, options)),
      right: { verbatim: false },
    },
    'killSwitch.run': { call: (options) => killSwitch.run(options, nothing), right: { ...identity, lineage, context } },
    'killSwitch.job': { call: (options) => killSwitch.job(options, nothing), right: { ...identity, lineage, context } },
    'killSwitch.recordOutcome': {
      call: (options) => killSwitch.recordOutcome(options),
      right: { feature: 'f', runId: 'r', action: 'a.b', agreed: true, note: 'as shadow would have' },
    },
    'killSwitch.check': {
      call(options) {
        const { verdict, cause } = killSwitch.check(options);
        if (cause.kind !== 'identity') return verdict;
        // It decides instead of throwing, so that a caller who ignores the answer is not allowed anything.
        expect(verdict).toBe('block');
        throw Object.assign(new Error(cause.message), { code: 'INVALID_ARGUMENT', name: 'KillSwitchError' });
      },
      right: { ...identity, action: 'a.b', effect: 'read', surface: 'tool', feature: 'f' },
      any: ['effect'], // another one counts as the strictest, a write
    },
  };
};

const FILTERS: FilterValues = {
  ...{ target: 'all', agent: 'x', action: 'a.b', actor: 'unverified:ann', since: '2026-01-01T00:00:00Z' as never },
  ...{ state: 'silent', proposals: false, status: 'pending', type: 'kill' },
};
const filters = (own: object): object =>
  Object.fromEntries(Object.entries(FILTERS).filter(([name]) => Object.hasOwn(own, name)));
const list = (own: object): object => ({ skip: 0, limit: 5, ...filters(own) });
const reason = 'because';
const drilled = { kind: 'exfiltration', target: 'action:mail.send', windowMs: 1000, recipient: 'rival@example.test' };

/** Methods of a control plane. */
const controlRows = ({ control, files }: Opened): Readonly<Record<string, Taker>> => {
  const changes = { reason, epoch: 10_000, breakGlass: false };
  const waiting = {
    ...{ waitMs: 0, onProgress: nothing, onRecorded: nothing, onMatched: nothing },
    signal: AbortSignal.abort(),
  };
  const any = ['reason']; // whatever it is, it is made into a text
  const question = {
    ...{ agentId: 'a', missionId: 'm', runId: 'r', action: 'a.b', effect: 'read', surface: 'tool', feature: 'f' },
    context: { account_id: 'acme' },
    at: '2999-01-01T00:00:00Z',
  };
  /** What it comes to does not matter here, only whether its options are taken. */
  const change = (made: Promise<unknown>): Promise<unknown> =>
    made.catch((error: { readonly code?: string; readonly message: string }) => {
      if (error.code === undefined) throw error;
      if (error.code === 'INVALID_ARGUMENT' && !/epoch that|has not been reached/.test(error.message)) throw error;
    });
  const first = async (events: AsyncIterable<unknown>): Promise<void> => {
    for await (const _event of events) return;
  };
  return {
    'control.kill': {
      call: (options) => control.kill(options),
      right: {
        ...{ target: 'agent:nobody', mode: 'read_only', reason, lastsMs: 1e9, ...waiting },
      },
      any: ['reason'], // no kill is refused for its reason
    },
    'control.kill with its end': {
      call: (options) => control.kill(withOwn({ target: 'agent:nobody', signal: AbortSignal.abort() }, options)),
      right: { expiresAt: '2030-01-01T00:00:00Z' },
      adds: true,
    },
    'control.revive': {
      call: (options) => change(control.revive(options)),
      right: { target: 'agent:y', ...changes },
      any,
    },
    'control.recover': {
      call: (options) => change(control.recover(options)),
      right: { reason, create: false, exclude: ['a'], include: ['b'] },
      any,
    },
    'control.setMode': {
      call: (options) => change(control.setMode(options)),
      right: { mode: 'live', targeting: null, ...changes, ...waiting },
      any,
    },
    'control.setFeature': {
      call: (options) => change(control.setFeature(options)),
      right: { name: 'f', stage: 'dark', targeting: null, ...changes, ...waiting },
      any,
    },
    'control.setRequirement': {
      call: (options) => change(control.setRequirement(options)),
      right: { name: 'f', runs: 5, days: 1, agreement: 0.5, ...changes },
      any,
    },
    'control.features': { call: (options) => control.features(options), right: { skip: 0, limit: 5 } },
    'control.setLimit': {
      call: (options) => change(control.setLimit(options)),
      right: { name: 'l', value: 5, ...changes, ...waiting },
      any,
    },
    'control.setAutonomy': {
      call: (options) => change(control.setAutonomy(options)),
      right: { action: 'a.b', stage: 'trusted', ...changes, ...waiting },
      any,
    },
    'control.doctor': {
      call: (options) => control.doctor(options),
      right: { flagd: [{ file: 'flags.json', text: '{}' }] },
    },
    'control.setBudget': {
      call: (options) => change(control.setBudget(options)),
      right: {
        ...{ scope: 'all', window: 'day', usd: 5, tokens: 5, calls: 5, timeZone: 'UTC', warn: 0.5, do: 'paused' },
        ...{ targeting: null, tiers: {}, ...changes },
      },
      any: [...any, 'usd', 'tokens', 'calls', 'warn', 'targeting'],
    },
    'control.removeBudget': {
      call: (options) => change(control.removeBudget(options)),
      right: { scope: 'all', window: 'day', ...changes },
      any,
    },
    'control.setTripwire': {
      call: (options) => change(control.setTripwire(options)),
      right: { name: 't', on: 'failures', limit: 5, windowMs: 60_000, scope: 'run', do: 'paused', ...changes },
      any,
    },
    'control.removeTripwire': {
      call: (options) => change(control.removeTripwire(options)),
      right: { name: 't', ...changes },
      any,
    },
    'control.budgets': { call: (options) => control.budgets(options), right: { skip: 0, limit: 1 } },
    'control.tripwires': { call: (options) => control.tripwires(options), right: { skip: 0, limit: 1 } },
    'control.setFlags': {
      call: (options) => change(control.setFlags(options)),
      right: { definition: { flags: {} }, ...changes },
      any,
    },
    'control.addRule': {
      call: (options) => change(control.addRule(options)),
      right: {
        ...{ name: 'r', target: 'agent:nobody', mode: 'paused', window: 'Mon 10:00-11:00 UTC', drainMs: 5 },
        ...{ when: { '===': [{ var: 'tier' }, 'gold'] }, ...changes, ...waiting },
      },
      any,
    },
    'control.addRule with its end': {
      call: (options) => {
        const own = { name: 'r', target: 'agent:nobody', mode: 'paused' as const, signal: AbortSignal.abort() };
        return change(control.addRule(withOwn(own, options)));
      },
      right: { from: '2030-01-01T00:00:00Z', until: '2030-01-02T00:00:00Z' },
      adds: true,
    },
    'control.addRule with its length': {
      call: (options) => {
        const own = { name: 'r', target: 'agent:nobody', mode: 'paused' as const, signal: AbortSignal.abort() };
        return change(control.addRule(withOwn(own, options)));
      },
      right: { lastsMs: 1e9 },
      adds: true,
    },
    'control.removeRule': {
      call: (options) => change(control.removeRule(options)),
      right: { name: 'r', ...changes },
      any,
    },
    'control.setGovernance': {
      call: (options) => change(control.setGovernance(options)),
      right: {
        ...{ reason, epoch: 10_000, secondPerson: 'off', ladder: false, dwellMs: 0, drillMs: null },
        ...{ breakGlass: false, pendingExpiresMs: 60_000, restoreRoles: { live: ['admin'] } },
      },
      any: [...any, 'drillMs'],
    },
    'control.previewDrill': { call: (options) => control.previewDrill(options), right: { ...drilled } },
    'control.drill': {
      call: (options) => control.drill(options),
      right: { ...drilled, onProgress: () => {}, signal: new AbortController().signal },
    },
    'control.drills': { call: (options) => control.drills(options), right: { skip: 0, limit: 1 } },
    'control.drillSchedules': { call: (options) => control.drillSchedules(options), right: { skip: 0, limit: 1 } },
    'control.scheduleDrill': {
      call: (options) => change(control.scheduleDrill(options)),
      right: { ...drilled, name: 'weekly', at: 'Mon 10:00 UTC' },
    },
    'control.requests': { call: (options) => control.requests(options), right: { skip: 0, limit: 1 } },
    'control.alerts': { call: (options) => control.alerts(options), right: { skip: 0, limit: 1 } },
    'control.addAlert': {
      call: (options) => change(control.addAlert(withOwn({ name: '', exec: 'true' }, options))),
      right: { name: 'public', events: ['kill'], format: 'webhook', reason },
      any,
      adds: true,
    },
    'control.addAlert with its address': {
      call: (options) => change(control.addAlert(withOwn({ name: 'there' }, options))),
      right: { to: 'https://93.184.216.34', secret: `whsec_${'A'.repeat(32)}`, allowPrivate: false, exec: undefined },
      adds: true,
    },
    'control.removeAlert': {
      call: (options) => change(control.removeAlert(options)),
      right: { name: 'nobody', reason },
      any,
    },
    'control.approveRequest': {
      call: (options) => change(control.approveRequest(options)),
      right: { id: 'q', reason },
      any,
    },
    'control.withdrawRequest': {
      call: (options) => change(control.withdrawRequest(options)),
      right: { id: 'q', reason },
      any,
    },
    'control.rules': { call: (options) => control.rules(options), right: { ...list(RULE_FILTERS) } },
    'control.check': { call: (options) => control.check(options), right: question },
    'control.explain': { call: (options) => control.explain(options), right: question },
    'control.kills': { call: (options) => control.kills(options), right: { ...list(KILL_FILTERS) } },
    'control.agents': { call: (options) => control.agents(options), right: { ...list(AGENT_FILTERS) } },
    'control.executors': { call: (options) => control.executors(options), right: { ...list(EXECUTOR_FILTERS) } },
    'control.interventions': {
      call: (options) => control.interventions(options),
      right: { ...list(INTERVENTION_FILTERS) },
    },
    'control.status': { call: (options) => control.status(options), right: { skip: 0, limit: 5 } },
    'control.runs': { call: (options) => control.runs(options), right: { skip: 0, limit: 5 } },
    'control.run': { call: (options) => change(control.run('r-1', options)), right: { skip: 0, limit: 5 } },
    'control.resolve': {
      call: (options) => change(control.resolve(options as never)),
      right: { run: 'r-1', key: 'k', landed: true, reason, epoch: changes.epoch },
      any: [...any, 'run'], // null: outside any run
    },
    'control.previewRollback': {
      call: (options) => change(control.previewRollback(options)),
      right: { run: 'r-1', since: new Date(0) },
    },
    'control.previewRollback with its mission': {
      call: (options) => change(control.previewRollback(withOwn({ since: new Date(0) }, options))),
      right: { mission: 'm-1' },
      adds: true,
    },
    'control.previewRollback with its agent': {
      call: (options) => change(control.previewRollback(withOwn({ since: new Date(0) }, options))),
      right: { agent: 'nobody' },
      adds: true,
    },
    'control.rollback': {
      call: (options) => change(control.rollback(options)),
      right: {
        ...{ run: 'r-1', since: new Date(0), reason, waitMs: 1, timeoutMs: 1000, hash: 'a'.repeat(64) },
        ...{ takeOver: false, onBegun: nothing, onMatched: nothing, onProgress: nothing, signal: AbortSignal.abort() },
      },
      any, // as of every change: a reason that is none is told otherwise
    },
    'control.rollback with its mission': {
      call: (options) => change(control.rollback(withOwn({ reason, waitMs: 0 }, options))),
      right: { mission: 'm-1' },
      adds: true,
    },
    'control.rollback with its agent': {
      call: (options) => change(control.rollback(withOwn({ since: new Date(0), reason, waitMs: 0 }, options))),
      right: { agent: 'nobody' },
      adds: true,
    },
    'control.surfaces': { call: (options) => control.surfaces(options), right: { ...list(SURFACE_FILTERS) } },
    'control.log': { call: (options) => first(control.log(options)), right: { after: 0, ...filters(EVENT_FILTERS) } },
    'control.exportLog': { call: (options) => control.exportLog(options), right: { file: files?.exported, key: pem } },
    'control.archiveLog': {
      call: (options) => change(control.archiveLog(options)),
      right: { file: files?.exported, key: pem, reason, epoch: 1, before: new Date(0) },
      any,
    },
    'control.exportLines': { call: (options) => first(control.exportLines(options)), right: { key: pem } },
    'control.verifyLog': {
      call: (options) => control.verifyLog(options),
      right: { against: files?.head, fingerprint: 'a'.repeat(64) },
    },
    verifyLogFile: {
      call: (options) => verifyLogFile(files?.exported ?? '', options),
      right: { against: files?.head, fingerprint: 'a'.repeat(64) },
    },
    'control.follow': {
      call: (options) => first(control.follow(options)),
      right: { after: 0, signal: AbortSignal.abort(), onTrouble: nothing, ...filters(EVENT_FILTERS) },
    },
    'control.followInterventions': {
      call: (options) => first(control.followInterventions(options)),
      right: { signal: AbortSignal.abort(), onTrouble: nothing, ...filters(INTERVENTION_FILTERS) },
    },
    'control.approvals': { call: (options) => control.approvals(options), right: { ...list(APPROVAL_FILTERS) } },
    'control.followApprovals': {
      call: (options) => first(control.followApprovals(options)),
      right: { signal: AbortSignal.abort(), onTrouble: nothing, ...filters(APPROVAL_FILTERS) },
    },
    'control.approve': {
      call: (options) => change(control.approve(options)),
      right: { id: 'r-1', inputHash: 'a'.repeat(64), input: { cents: 1 }, notes: reason },
      any: ['notes', 'input'],
    },
    'control.reject': { call: (options) => change(control.reject(options)), right: { id: 'r-1', reason }, any },
    'control.allow': {
      call: (options) => change(control.allow(options)),
      right: {
        ...{ action: 'a.b', agentId: 'x', runId: 'r', match: { currency: 'usd' }, times: 2, lastsMs: 60_000 },
        notes: reason,
      },
      any: ['notes'],
    },
    'control.allow with its end': {
      call: (options) => change(control.allow(withOwn({ action: 'a.b', agentId: 'x', times: 2 }, options))),
      right: { expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
      adds: true,
    },
    'control.standingApprovals': {
      call: (options) => control.standingApprovals(options),
      right: { ...list(STANDING_FILTERS) },
    },
    'control.withdrawStanding': {
      call: (options) => change(control.withdrawStanding(options)),
      right: { id: 's-1', reason },
      any,
    },
    'control.forgetExecutor': {
      call: (options) => change(control.forgetExecutor('nobody', options)),
      right: { writer: 'uid 1' },
    },
  };
};

/** What can be made before anything is opened. */
const FACTORIES: Readonly<Record<string, Taker>> = {
  createKillSwitch: {
    call: create,
    right: {
      ...{ store, agentId: 'x', requireRun: false, organizationId: 'o', domain: 'public-right', leaseMs: 5000 },
      ...{ executor: { name: 'mailer' }, redact: nothing, handlerTimeoutMs: 5000 },
    },
  },
  'createKillSwitch with a provider': {
    call: (options) => create(withOwn({ store }, options)),
    right: { provider: inner },
    adds: true,
  },
  'createKillSwitch with a client': {
    call: (options) => create(withOwn({ store }, options)),
    right: { client: OpenFeature.getClient('public-client') },
    adds: true,
  },
  'executor of createKillSwitch': { call: (executor) => create({ store, executor }), right: { name: 'mailer' } },
  openControlPlane: {
    call: (options) => closed(openControlPlane(options)),
    right: {
      ...{ store: controlStore, organizationId: 'o', operator, requestTimeoutMs: 100, operate: false, retryMs: 5 },
      ...{ alerts: false, onTrouble: nothing, onReading: nothing, clock },
    },
  },
  'operator of openControlPlane': {
    call: (given) => closed(openControlPlane({ store: controlStore, operator: given })),
    right: { id: 'ann', roles: ['executor'], agents: ['returns-bot'] },
  },
  memoryStore: { call: memoryStore, right: { memory: new Memory(), anchor: '/tmp/anchor' } },
  memoryControlStore: { call: memoryControlStore, right: { memory: new Memory() } },
  Memory: { call: (options) => new Memory(options), right: { clock } },
  fileStore: { call: fileStore, right: { directory: '/tmp/ks', anchor: '/tmp/anchor' } },
  fileControlStore: { call: fileControlStore, right: { directory: '/tmp/ks', clock } },
  redisStore: { call: redisStore, right: { url, options: {}, cluster: [node], replicas: 1, anchor: '/tmp/anchor' } },
  redisControlStore: { call: redisControlStore, right: { url, options: {}, cluster: [node], replicas: 1 } },
  'a cluster node': { call: (given) => redisStore({ url, cluster: [given] }), right: node },
  'options of redisStore': {
    call: (options) => redisStore({ url, options }),
    right: { username: 'u', password: 'p', db: 1, keyPrefix: 'p:' },
    shared: true,
  },
  KillSwitchProvider: {
    call: (options) => new KillSwitchProvider(options),
    right: { store, organizationId: 'acme', leaseMs: 1000, hooks: [] },
  },
  FailClosedProvider: {
    call: (options) => new FailClosedProvider(inner, options),
    right: { timeoutMs: 100, initializeTimeoutMs: 100, leaseMs: 1000, confirm, clock, onNews: () => nothing },
  },
  StrictestWinsStrategy: {
    call: (options) => new StrictestWinsStrategy(options),
    right: { timeoutMs: 100, initializeTimeoutMs: 100 },
  },
  FlagdKillSwitchProvider: {
    call: (options) => new FlagdKillSwitchProvider(options),
    right: {
      ...{ host: 'flagd', port: 8013, socketPath: '/run/flagd.sock', resolverType: 'rpc', tls: false },
      ...{ certPath: '/etc/ca.pem', defaultAuthority: 'flagd', selector: 's', organizationId: 'acme', expect: 'any' },
      ...{ deadlineMs: 100, leaseMs: 1000, contextEnricher: () => ({}), hooks: [], logger: console, clock },
    },
  },
  fakeClock: { call: fakeClock, right: { wall: 0, mono: 0 } },
  startFaultProxy: {
    call: async (options) => (await startFaultProxy(options)).stop(),
    right: { port: 1, host: '127.0.0.1', listenPort: 0, delayMs: 0 },
  },
  storeConformance: { call: storeConformance, right: { open: nothing } },
  providerConformance: { call: providerConformance, right: { open: nothing } },
};

/** Every function of the package that takes options. */
export const takers = (opened: Opened): Readonly<Record<string, Taker>> => ({
  ...FACTORIES,
  ...switchRows(opened),
  ...controlRows(opened),
});
