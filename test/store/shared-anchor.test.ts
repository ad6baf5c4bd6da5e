import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileAnchor } from '../../store/file-anchor.ts';
import { temporaryFolder } from '../servers/index.ts';

const SCRIPT = fileURLToPath(new URL('lookers.mjs', import.meta.url));
const KILLS = 20;
/** Each process is pid 1 of its own PID namespace, as in a container. */
const OWN_WORLD = ['unshare', '--pid', '--fork', '--kill-child'];
const mayUnshare = spawnSync(OWN_WORLD[0] as string, [...OWN_WORLD.slice(1), 'true']).status === 0;

interface Count {
  readonly looks: number;
  readonly blocked: Record<string, number>;
}

/** Executors that look at the switch all the time; `end` resolves with the counts of each. */
async function startLookers(options: object, through: readonly string[] = []): Promise<() => Promise<Count[]>> {
  const [command, ...args] = [...through, process.execPath, SCRIPT, JSON.stringify(options)];
  const child = spawn(command as string, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await once(output, 'line');
  return async () => {
    child.stdin.end();
    await once(child, 'close');
    return lines.slice(1).map((line) => JSON.parse(line) as Count);
  };
}

test.each([
  ['six worker threads', 6, 1, []],
  ...(mayUnshare ? ([['processes that are all pid 1', 1, 3, OWN_WORLD]] as const) : []),
] as const)(
  '%s that share one anchor never stop each other',
  async (_name, threads, processes, through) => {
    const folder = temporaryFolder('shared-anchor');
    onTestFinished(() => folder.remove());
    const [directory, anchor] = [join(folder.path, 'switch'), join(folder.path, 'anchors', 'shared.json')];
    const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
    onTestFinished(() => control.close());
    await control.init();
    await control.setMode({ mode: 'live', reason: 'a test' });

    const starting = Array.from({ length: processes }, () => startLookers({ directory, anchor, threads }, through));
    const ends = await Promise.all(starting);
    let epoch = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      epoch = (await control.kill({ target: `run:${kill}`, waitMs: 10_000 })).epoch;
    }
    // The file has the head that all of them have acknowledged.
    expect(fileAnchor(anchor).read()?.head.epoch).toBe(epoch);
    const counts = (await Promise.all(ends.map((end) => end()))).flat();
    expect(counts).toHaveLength(threads * processes);
    for (const { looks, blocked } of counts) {
      expect(looks).toBeGreaterThan(0);
      expect(blocked).toEqual({});
    }
    expect(readdirSync(join(folder.path, 'anchors'))).toEqual(['shared.json']);
  },
  120_000,
);
