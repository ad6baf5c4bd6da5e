import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { startReceiver } from '../operator/alerts/real/receiver.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { owned } from '../servers/lifetime.ts';

/** How often the sending process dies: `ROUNDS=200 npx vitest run test/faults/alert-crashes.test.ts`. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 30);
const EACH_ROUND = 3;

interface Place {
  readonly url: string;
  readonly store: ControlStore;
}

const places: Array<[string, () => Promise<Place>]> = [
  [
    'files',
    async () => {
      const directory = join(temporaryFolder('alert-crashes').path, 'switch');
      return { url: `file:${directory}`, store: fileControlStore({ directory }) };
    },
  ],
];
if (hasRedis)
  places.push([
    'Redis',
    async () => {
      const { url } = await startRedis();
      return { url, store: redisControlStore({ url }) };
    },
  ]);

/** Where the sender dies: before the receiver has answered, right after, or some milliseconds later. */
const DEATHS = ['before the answer', 'with the answer', 'after it'] as const;

describe.each(places)('a sending process that dies (SIGKILL) with its alerts in %s', (_name, open) => {
  test(`loses none, and the receiver can drop the doubles: ${ROUNDS} times`, async () => {
    const { url, store } = await open();
    const receiver = await startReceiver();
    const control = await openControlPlane({ store, operator: { id: 'ann' } });
    owned(() => control.close());
    await control.init();
    await control.addAlert({ name: 'on-call', to: receiver.url, events: ['kill'], allowPrivate: true });

    let said = '';
    const start = (): ChildProcess => {
      const child = fork(join(import.meta.dirname, 'alert-worker.mjs'), [JSON.stringify({ url })], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
      owned(async () => void child.kill('SIGKILL'));
      return child;
    };

    const died: Record<(typeof DEATHS)[number], number> = {
      'before the answer': 0,
      'with the answer': 0,
      'after it': 0,
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const kills = Array.from({ length: EACH_ROUND }, (_, index) => `agent:r${round}-${index}`);
      const death = DEATHS[round % DEATHS.length] ?? 'after it';
      let left = randomInt(1, EACH_ROUND + 1);
      const child = start();
      const ended = once(child, 'exit');
      receiver.answer = (response) => {
        left -= 1;
        const die = (): void => void child.kill('SIGKILL');
        if (left === 0 && death === 'before the answer') return die();
        response.writeHead(204).end();
        if (left !== 0) return undefined;
        died[death] += 1;
        return death === 'with the answer' ? die() : void setTimeout(die, randomInt(0, 40));
      };
      await Promise.all(kills.map((target) => control.kill({ target })));
      await ended;
      if (death === 'before the answer') died[death] += 1;
    }

    receiver.answer = (response) => void response.writeHead(204).end();
    const last = start();
    const events: string[] = [];
    for await (const { type, seq, hash } of control.log())
      if (type === 'kill') events.push(`evt_${seq}_${hash.slice(0, 32)}`);
    expect(events).toHaveLength(ROUNDS * EACH_ROUND);
    const isTold = (): boolean => receiver.ids.includes(events.at(-1) ?? '');
    for (let waited = 0; !isTold() && waited < 600; waited += 1) await new Promise((next) => setTimeout(next, 50));
    expect(said).toBe('');

    expect([...new Set(receiver.ids)]).toEqual(events); // none is lost, and the order is that of the log
    const doubles = receiver.received.length - events.length;
    expect(doubles).toBeLessThanOrEqual(ROUNDS);
    for (const { id, body } of receiver.received)
      expect(body).toEqual(receiver.accepted.find((each) => each.id === id)?.body);
    expect(Object.values(died).every((count) => count > 0)).toBe(true);
    // What this shows only where senders died in between: some have.
    expect(receiver.accepted.length).toBeGreaterThan(events.length);
    last.disconnect();
    await once(last, 'exit');
  }, 600_000);
});
