import { randomUUID } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createKillSwitch, type ExecutorStore, type KillSwitch } from '../../index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import type { RunEntry } from '../../operator/runs.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis } from '../servers/index.ts';
import { canMount, fill, mountDisk, mountItself, remount } from './mounts.ts';
import { Scene } from './scene.ts';

/** When the store goes away: each is a moment in the life of one call. */
const STEPS = ['before the intent', 'after the intent', 'while it executes', 'before the end'] as const;
type Step = (typeof STEPS)[number];

/** What a test does at a step, once. */
class Moments {
  readonly #at = new Map<Step, () => unknown>();

  on(step: Step, act: () => unknown): void {
    this.#at.set(step, act);
  }

  async reached(step: Step): Promise<void> {
    const act = this.#at.get(step);
    this.#at.delete(step);
    await act?.();
  }
}

/** The same store, in which something happens around what is asked of the journal. */
const watched = (store: ExecutorStore, moments: Moments): ExecutorStore => ({
  ...store,
  open(scope) {
    const connection = store.open(scope);
    const { journal } = connection;
    if (!journal) throw new Error('this store keeps no journal');
    return {
      ...connection,
      journal: {
        ...journal,
        async intend(intent) {
          await moments.reached('before the intent');
          const intended = await journal.intend(intent);
          await moments.reached('after the intent');
          return intended;
        },
        async end(mark, end) {
          await moments.reached('before the end');
          return journal.end(mark, end);
        },
      },
    };
  },
});

/** A store with one fault. */
interface Place {
  readonly control: ControlPlane;
  readonly store: ExecutorStore;
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

/** Longer than a disk takes to become read-only: the store goes away while what was confirmed of it still counts. */
const LEASE_MS = 6000;
/** Makes the end longer than what may be left of the last page of a full disk. */
const LONG = 'x'.repeat(10_000);

/** For what is tried again after a fault, on a machine that is busy. */
const WAIT = { timeout: 20_000, interval: 20 };

async function open(place: Place, scene: Scene) {
  const ran: string[] = [];
  const moments = new Moments();
  const executor = async (name: string, store: ExecutorStore) => {
    const created = await createKillSwitch({
      ...{ store, domain: randomUUID(), executor: { name }, agentId: 'x', leaseMs: LEASE_MS },
    });
    const killSwitch: KillSwitch = scene.own(created, (each) => each.close().catch(() => {}));
    const effect = (irreversible: boolean) =>
      killSwitch.action({
        name: irreversible ? 'mail.send' : 'payments.refund',
        irreversible,
        ...(!irreversible && { reverse: { action: 'payments.cancel', input: (result: object) => result } }),
        async execute({ of }: { of: string }) {
          ran.push(of);
          await moments.reached('while it executes');
          return { of, note: LONG };
        },
      });
    const allows = () => vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', WAIT);
    return { killSwitch, allows, refund: effect(false), mail: effect(true) };
  };
  const first = await executor('first', watched(place.store, moments));
  const second = await executor('second', place.store);
  await Promise.all([first.allows(), second.allows()]);
  const entryOf = async (run: string): Promise<RunEntry | undefined> =>
    (await place.control.run(run).catch(() => ({ entries: [] }))).entries[0];
  return { first, second, moments, ran, entryOf };
}

/**
 * The store goes away at one step of one call, of which the outcome must be true; once it is back the journal must say
 * the same, and the same job, delivered to another executor, must do it once and not twice.
 */
async function goesAway(place: Place, scene: Scene, step: Step, irreversible: boolean): Promise<void> {
  const { first, second, moments, ran, entryOf } = await open(place, scene);
  const which = irreversible ? 'mail' : 'refund';
  const [runId, key] = [randomUUID(), randomUUID()];
  moments.on(step, place.begin);
  const outcome = await first.killSwitch.run({ runId }, () =>
    first[which].attempt({ of: key }, { idempotencyKey: key }),
  );
  const startsNot = step === 'before the intent' || (step === 'after the intent' && irreversible);
  if (startsNot) {
    expect(outcome, step).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    expect(ran).toEqual([]);
    if (step === 'before the intent')
      expect(outcome.decision.cause).toMatchObject({
        code: 'JOURNAL_UNAVAILABLE',
        message: expect.stringMatching(/./),
      });
  } else {
    expect(outcome, step).toMatchObject({ status: 'executed', result: { of: key }, recorded: false });
    const other = await first.refund.attempt({ of: 'other' });
    expect(other).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    expect(ran).toEqual([key]);
  }
  await place.end();
  await Promise.all([first.allows(), second.allows()]);
  if (!startsNot) await vi.waitFor(async () => expect(await entryOf(runId)).toMatchObject({ state: 'landed' }), WAIT);
  else
    await vi.waitFor(async () => {
      const found = await entryOf(runId);
      if (found) expect(found).toMatchObject({ state: 'not_started' });
      else expect(step).toBe('before the intent');
      expect(await first.refund.attempt({ of: 'probe' })).toMatchObject({ status: 'executed' }); // it goes on
    }, WAIT);
  const again = await second.killSwitch.run({ runId }, () =>
    second[which].attempt({ of: key }, { idempotencyKey: key }),
  );
  expect(again).toMatchObject({ status: 'executed', result: { of: key } });
  expect(ran.filter((each) => each === key)).toEqual([key]);
  expect('repeated' in again).toBe(!startsNot);
}

interface Named {
  readonly name: string;
  /** True: an executor may be confirmed all the same, since its beat is shorter, or is elsewhere. */
  readonly confirms?: boolean;
  readonly set: (scene: Scene) => Promise<Place>;
}

const inRedis = (name: string, fault: Pick<RedisFault, 'begin' | 'end'>): Named => ({
  name,
  async set(scene) {
    const redis = await scene.redis();
    const control = await scene.live(redisControlStore({ url: redis.url }));
    const store = redisStore({ url: redis.url });
    return { control, store, begin: () => fault.begin(redis), end: () => fault.end(redis) };
  },
});
type Redis = Awaited<ReturnType<Scene['redis']>>;
interface RedisFault {
  readonly begin: (redis: Redis) => unknown;
  readonly end: (redis: Redis) => unknown;
}

interface Folders {
  readonly executors: string;
  readonly journal: string;
  readonly copy: string;
}

const inFiles = (
  name: string,
  fault: {
    readonly prepare?: (folders: Folders, scene: Scene) => void;
    readonly begin: (folders: Folders) => unknown;
    readonly end: (folders: Folders) => unknown;
  },
): Named => ({
  name,
  async set(scene) {
    const folder = scene.folder('journal-faults');
    const directory = join(folder, 'switch');
    const executors = join(directory, 'executors/default');
    const folders = { executors, journal: join(executors, 'journal'), copy: join(folder, 'copy') };
    fault.prepare?.(folders, scene);
    const control = await scene.live(fileControlStore({ directory }));
    const store = fileStore({ directory });
    return { control, store, begin: () => fault.begin(folders), end: () => fault.end(folders) };
  },
});

const FAULTS: readonly Named[] = [
  ...(hasRedis
    ? [
        inRedis('Redis that is killed with SIGKILL', { begin: (it) => it.kill(), end: (it) => it.restart() }),
        inRedis('Redis that is frozen with SIGSTOP', { begin: (it) => it.freeze(), end: (it) => it.thaw() }),
        inRedis('Redis that lacks the replicas that it must have', {
          begin: (it) => it.cli('CONFIG', 'SET', 'min-replicas-to-write', 1),
          end: (it) => it.cli('CONFIG', 'SET', 'min-replicas-to-write', 0),
        }),
      ]
    : []),
  {
    confirms: true,
    ...inFiles('files whose journal is a file and no folder', {
      begin({ journal, copy }) {
        for (let tries = 0; ; tries += 1) {
          try {
            renameSync(journal, copy);
          } catch (error) {
            // There is none before the first intent.
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          }
          try {
            return writeFileSync(journal, '', { flag: 'wx' });
          } catch (error) {
            if (tries === 100) throw error;
          }
        }
      },
      end({ journal, copy }) {
        rmSync(journal);
        try {
          renameSync(copy, journal);
        } catch {
          // nothing was there before
        }
      },
    }),
  },
  ...(canMount()
    ? [
        {
          confirms: true,
          ...inFiles('files on a disk that is full', {
            prepare: ({ executors }, scene) => mountDisk(scene, executors, '8m'),
            begin: ({ executors }) => fill(join(executors, 'filler')),
            end: ({ executors }) => rmSync(join(executors, 'filler')),
          }),
        },
        inFiles('files on a disk that became read-only', {
          prepare: ({ executors }, scene) => mountItself(scene, executors),
          begin: ({ executors }) => remount(executors, 'ro'),
          end: ({ executors }) => remount(executors, 'rw'),
        }),
      ]
    : []),
];

describe.concurrent.each(FAULTS)('a journal in $name', ({ set }) => {
  for (const step of STEPS)
    test(`${step}: nothing starts unwritten, nothing runs twice, and what has landed is stored later`, {
      timeout: 90_000,
    }, async (context) => {
      const scene = new Scene(context);
      await goesAway(await set(scene), scene, step, false);
    });
});

describe.concurrent.each(FAULTS.filter(({ confirms }) => !confirms))('a journal in $name', ({ set }) => {
  test('after the intent of what is confirmed before it starts: it does not start', {
    timeout: 90_000,
  }, async (context) => {
    const scene = new Scene(context);
    await goesAway(await set(scene), scene, 'after the intent', true);
  });
});

/** Somebody removes what executors have written, while the switch itself stays. */
const LOSSES: readonly Named[] = [
  inFiles('files', {
    begin({ journal }) {
      for (const name of readdirSync(journal)) rmSync(join(journal, name));
    },
    end: () => {},
  }),
  ...(hasRedis
    ? [
        inRedis('Redis', {
          begin: (it) =>
            it.cli('EVAL', `for _, key in ipairs(redis.call('KEYS', '*journal*')) do redis.call('DEL', key) end`, 0),
          end: () => {},
        }),
      ]
    : []),
];

describe.concurrent.each(LOSSES)('a journal in $name that is removed', ({ set }) => {
  for (const step of STEPS)
    test(`${step}: what lands is in it all the same, and does not run twice`, { timeout: 60_000 }, async (context) => {
      const scene = new Scene(context);
      const place = await set(scene);
      const { first, second, moments, ran, entryOf } = await open(place, scene);
      // Something to remove:
      await first.killSwitch.run({ runId: 'before' }, () => first.refund.attempt({ of: 'before' }));
      moments.on(step, place.begin);
      const [runId, key] = [randomUUID(), randomUUID()];
      const call = (by: typeof first) =>
        by.killSwitch.run({ runId }, () => by.refund.attempt({ of: key }, { idempotencyKey: key }));
      const outcome = await call(first);
      expect(outcome).toMatchObject({ status: 'executed' });
      expect(outcome).not.toHaveProperty('recorded');
      expect(await entryOf('before')).toBeUndefined();
      expect(await entryOf(runId)).toMatchObject({ state: 'landed', idempotency_key: key });
      expect(await call(second)).toMatchObject({ status: 'executed', repeated: true });
      expect(ran).toEqual(['before', key]);
    });
});

describe.skipIf(!canMount()).concurrent('a disk that is nearly full', () => {
  test('lets what still fits start, of many calls at once; the rest does not, and all that has landed is stored later', {
    timeout: 90_000,
  }, async (context) => {
    const scene = new Scene(context);
    const folder = scene.folder('journal-nearly-full');
    const directory = join(folder, 'switch');
    const executors = join(directory, 'executors/default');
    mountDisk(scene, executors, '8m');
    const control = await scene.live(fileControlStore({ directory }));
    const store = fileStore({ directory });
    const { first, ran } = await open({ control, store, begin() {}, end() {} }, scene);
    const attempt = (of: string) => first.refund.attempt({ of }, { idempotencyKey: of });
    await first.killSwitch.run({ runId: 'r' }, () => attempt('0'));
    const filler = join(executors, 'filler');
    fill(filler);
    truncateSync(filler, statSync(filler).size - 8 * 4096); // room for some intents, and for fewer ends
    const outcomes = await first.killSwitch.run({ runId: 'r' }, async () => {
      const all: Awaited<ReturnType<typeof attempt>>[] = [];
      for (let round = 0; round < 20; round += 1)
        all.push(...(await Promise.all([1, 2, 3, 4, 5].map((n) => attempt(`${round}-${n}`)))));
      return all;
    });
    const executed = outcomes.filter(({ status }) => status === 'executed');
    const blocked = outcomes.filter(({ status }) => status === 'blocked');
    expect(executed.length).toBeGreaterThan(0);
    expect(blocked.length).toBeGreaterThan(0);
    expect(executed.length + blocked.length).toBe(outcomes.length);
    expect(executed.some((outcome) => 'recorded' in outcome)).toBe(true);
    expect(ran).toHaveLength(1 + executed.length);
    rmSync(filler);
    await first.allows();
    await vi.waitFor(async () => {
      const { entries } = await control.run('r');
      const landed = entries.filter(({ state }) => state === 'landed').map(({ idempotency_key }) => idempotency_key);
      expect(new Set(landed)).toEqual(new Set(ran));
      for (const { state } of entries) expect(['landed', 'not_started']).toContain(state);
    }, WAIT);
  });
});
