import type { Head } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';

/** Whether a log has this very event. @throws KillSwitchError ARCHIVED where nobody can tell */
export async function hasEvent(log: ControlConnection['log'], { epoch, hash }: Head): Promise<boolean> {
  for await (const event of log(epoch - 1)) return event.seq === epoch && event.hash === hash;
  return false;
}
