import type { ControlConnection } from '../store/ports.ts';
import type { Status } from './answers.ts';

/** How old the last word of an operating process may be that runs, in milliseconds: it speaks every five seconds. */
const OPERATES_MS = 30_000;

/** Whether an operating process runs. Where this user may not read that, or nothing says so, none is known. */
export async function operatingNow(
  { operating }: Pick<ControlConnection, 'operating'>,
  now: string,
): Promise<Status['operating']> {
  const last = (await operating?.last().catch(() => null)) ?? null;
  return { last_at: last, runs: last !== null && Date.parse(now) - Date.parse(last) < OPERATES_MS };
}
