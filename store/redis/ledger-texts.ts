import { oldestSlot } from '../../flags/sliding-count.ts';
import { GRACE_MS } from '../ledger-book.ts';

const HEAD = /^(-?\d+) (\d+) ([tfs]) (-?\d+) (\d+)$/;

/** What an account comes to now, as `ACCOUNTS` writes it; null where it is over or nothing that can be read. */
export function readAccountText(
  text: string,
  now: number,
): { readonly spent: number; readonly reserved: number } | null {
  const [head = '', ...slots] = text.split(';');
  const [, , touched, kind, a, b] = HEAD.exec(head) ?? [];
  if (kind === undefined) return null;
  const [last, first, second] = [Number(touched), Number(a), Number(b)];
  if (kind === 'f' && second + GRACE_MS <= now) return null;
  if (kind === 't' && first >= 0 && last + first <= now) return null;
  let [spent, reserved] = [0, 0];
  for (const slot of slots) {
    const [number = 0, was = 0, is = 0] = slot.split(' ').map(Number);
    if (kind === 's' && number < oldestSlot(now, first)) continue;
    spent += Math.max(0, was);
    reserved += Math.max(0, is);
  }
  return Number.isFinite(spent + reserved) ? { spent, reserved } : null;
}
