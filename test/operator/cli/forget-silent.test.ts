import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { fileStore } from '../../../store/file/index.ts';
import type { ExecutorStore } from '../../../store/ports.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { fileSwitch, type Ran, runHere } from './command.ts';
import { deadExecutor, executor } from './executors.ts';

interface Place {
  readonly store: ExecutorStore;
  readonly ks: (...args: string[]) => Promise<Ran>;
  /** Puts a beat there that nobody can read. */
  readonly plant: () => Promise<unknown>;
}

const STORES: Array<readonly [string, () => Promise<Place>]> = [
  [
    'the file store',
    async () => {
      const { directory, here } = fileSwitch();
      const beat = join(directory, 'executors', 'default', 'beats', 'odd.json');
      return { store: fileStore({ directory }), ks: here, plant: async () => writeFileSync(beat, '{') };
    },
  ],
];
if (hasRedis) {
  STORES.push([
    'Redis',
    async () => {
      const { url, cli } = await startRedis();
      return {
        store: redisStore({ url }),
        ks: (...args) => runHere([...args, '--store', url]),
        plant: () => cli('HSET', 'kill-switch:{default}:executor:mailer:beats', 'odd', '{'),
      };
    },
  ]);
}

test.each(STORES)(
  'on %s all that are silent can be forgotten at once, and no others; one whose report cannot be read must be named',
  async (_, open) => {
    const { store, ks, plant } = await open();
    await ks('init');
    const { reports } = await executor(store);
    const dead = [await deadExecutor(store), await deadExecutor(store), await deadExecutor(store)].sort();
    await plant();
    const killed = async () => (await ks('kill', 'agent:x', '--wait', '0', '--json')).json.acknowledgements;
    await vi.waitFor(async () => expect((await killed()).silent).toBe(4), { timeout: 20_000 });
    expect((await ks('executors', 'forget')).stderr).toContain('--silent for all that are silent');
    expect((await ks('executors', 'forget', dead[0] ?? '', '--silent')).code).toBe(2);

    const { code, json } = await ks('executors', 'forget', '--silent', '--json');
    expect(code).toBe(0);
    expect(json.forgotten.map(({ id }: { readonly id: string }) => id).sort()).toEqual(dead);
    expect(json.left).toBe(1);
    const { data } = (await ks('executors', '--json')).json as { readonly data: { readonly id: string }[] };
    expect(data.map(({ id }) => id).sort()).toEqual([reports.executorId, 'odd'].sort());
    const again = await ks('executors', 'forget', '--silent');
    expect(again.stdout).toMatch(
      /^0 silent executors are out of the count\..*\n1 more silent one has a report that does not count/s,
    );
    expect((await ks('executors', 'forget', 'odd')).code).toBe(0);
    expect((await ks('kill', 'agent:x', '--wait', '2s')).code).toBe(0);
  },
);
