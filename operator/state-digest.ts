import { createHash } from 'node:crypto';
import type { Entry, EntryKey } from '../flags/index.ts';

/**
 * SHA-256 of a state, in hex: of a line `[KEY,ENTRY]` for each entry, in the order of their keys, members sorted by
 * name. It is the same in every store.
 */
export function stateDigest(entries: Iterable<readonly [EntryKey, Entry]>): string {
  const lines = [...entries].map(([key, entry]) => [key, stableText([key, entry])] as const);
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256');
  for (const [, text] of lines) digest.update(text).update('\n');
  return digest.digest('hex');
}

/** A JSON text in which the members of every object are sorted. */
export const stableText = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
