import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Charge } from '../../flags/index.ts';
import type { Ledger } from '../../store/capabilities/ledger.ts';

const SCRIPT = fileURLToPath(new URL('spender.mjs', import.meta.url));

/** An executor in a process of its own, which waits for `go`. */
export interface Spender {
  readonly lines: string[];
  readonly ready: Promise<void>;
  go(): void;
  /** The next line that it prints, or that it has printed. */
  line(number: number): Promise<string>;
  kill(): Promise<void>;
}

export function startSpender(
  url: string,
  name: string,
  how: { readonly is: 'race' | 'hold' | 'churn'; readonly amount: number; readonly limit: number },
): Spender {
  const args = [SCRIPT, url, name, how.is, String(how.amount), String(how.limit)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const lines: string[] = [];
  let heard = (): void => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    heard();
  });
  const waiting: (() => boolean)[] = [];
  heard = () => {
    for (const each of [...waiting]) if (each()) waiting.splice(waiting.indexOf(each), 1);
  };
  const line = (number: number): Promise<string> =>
    new Promise((resolve) => {
      const look = (): boolean => {
        const found = lines[number];
        if (found === undefined) return false;
        resolve(found);
        return true;
      };
      if (!look()) waiting.push(look);
    });
  return { lines, ready: line(0).then(() => {}), go: () => void child.stdin.write('go\n'), line, kill };
}

/** A charge of an account without an end. */
export const charge = (account: string, amount: number, limit: number): Charge => ({
  ...{ account, type: 'usd', amount, limit, warnAt: null, window: { is: 'total', idleMs: null } },
});

/** What an account holds: spent, reserved. */
export async function heldIn(ledger: Ledger | null, account: string): Promise<readonly [number, number]> {
  const asked = await ledger?.reserve({
    id: `look ${account} ${Math.random()}`,
    charges: [charge(account, 0, 2 ** 50)],
  });
  if (asked?.is !== 'reserved') throw new Error('It does not answer.');
  const [balance] = asked.balances;
  return [balance?.spent ?? 0, balance?.reserved ?? 0];
}

/** 16 processes race for what is left of one budget, which each of them meets with two others. */
export async function raceForTheLast(url: string, { names }: { readonly names: number }): Promise<number> {
  const how = { is: 'race', amount: 7, limit: 1000 } as const;
  const spenders = Array.from({ length: 16 }, (_, index) => startSpender(url, `spender-${index % names}`, how));
  await Promise.all(spenders.map(({ ready }) => ready));
  for (const each of spenders) each.go();
  const passed = await Promise.all(spenders.map((each) => each.line(1)));
  return passed.reduce((sum, count) => sum + Number(count), 0);
}
