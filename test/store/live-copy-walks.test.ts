import { describe, expect, test } from 'vitest';
import { strictness } from '../../flags/index.ts';
import { World } from './live-copy-world.ts';

describe('random walks keep the promises', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };

  test.each([
    ['nothing lost', { cuts: 0, restarts: 0 }],
    ['events lost', { cuts: 2, restarts: 0 }],
    ['events lost, restarts and recovers', { cuts: 3, restarts: 3 }],
  ])('%s', (name, { cuts, restarts }) => {
    const seen = { live: 0, stopped: 0, forked: 0, recovered: 0, late: 0, hopped: 0, stood: 0 };
    for (let walk = 0; walk < 1500; walk += 1) {
      const roll = random(walk * 7919 + name.length);
      const pick = (count: number): number => Math.floor(roll() * count);
      const world = new World();
      const trace: string[] = [];
      let [cut, restarted, recovers] = [0, 0, 0];
      for (let step = 0; step < 60; step += 1) {
        const level = world.log.level();
        const steps: Array<[string, () => unknown]> = [
          ['tick', () => world.tick()],
          ['ask', () => world.asked.length < 3 && world.ask()],
          ['hop asks', () => world.hopAsks()],
          ...world.asked.flatMap(
            (entry, i): Array<[string, () => unknown]> =>
              entry.reply
                ? [[`reply ${i}`, () => world.reply(i)]]
                : [
                    [`serve ${i}`, () => world.serve(i)],
                    [`hop ${i}`, () => world.hop(i)],
                  ],
          ),
          ...world.pushed.map((_, i): [string, () => unknown] => [`push ${i}`, () => world.push(i)]),
        ];
        if (world.events < 10 && level < strictness('full_stop')) steps.push(['kill', () => world.append('kill')]);
        if (world.events < 10 && level === 0) steps.push(['tighten', () => world.append('tighten')]);
        if (world.events < 10 && level > 0) steps.push(['revive', () => world.append('revive')]);
        if (cut > recovers)
          steps.push([
            'recover',
            () => {
              recovers += 1;
              world.append('recover');
            },
          ]);
        if (cut < cuts && world.log.hashes().length > 2)
          steps.push([
            'cut',
            () => {
              cut += 1;
              world.cut(2 + pick(world.log.hashes().length - 2));
            },
          ]);
        if (restarted < restarts)
          steps.push([
            'restart',
            () => {
              restarted += 1;
              world.restart();
            },
          ]);
        if (world.copy.needsLoad) steps.push(['load', () => world.load()], ['load', () => world.load()]);
        const [label, act] = steps[pick(steps.length)] as [string, () => unknown];
        trace.push(label);
        act();
        const broken = world.broken();
        if (broken) throw new Error(`walk ${walk}: ${broken} after ${trace.join(' → ')}`);
      }
      for (const key of Object.keys(seen) as Array<keyof typeof seen>) seen[key] += world.seen[key];
    }
    expect(seen.live).toBeGreaterThan(1000);
    expect(seen.stopped).toBeGreaterThan(1000);
    expect(seen.late).toBeGreaterThan(10);
    expect(seen.hopped).toBeGreaterThan(1000);
    expect(seen.stood).toBeGreaterThan(100);
    if (cuts > 0) expect(seen.forked).toBeGreaterThan(100);
    if (restarts > 0) expect(seen.recovered).toBeGreaterThan(10);
  });
});
