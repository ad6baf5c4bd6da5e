import type { Entry } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';

/** Up to which event a log is archived whose first part is still there; null where nothing of that kind is left. */
export async function undroppedUpTo(
  archive: Entry<'archive'> | undefined,
  dropper: ControlConnection['dropper'],
): Promise<number | null> {
  if (!archive || !dropper) return null;
  const beginning = await dropper.beginning();
  return (beginning?.head.epoch ?? 0) < archive.head.epoch ? archive.head.epoch : null;
}
