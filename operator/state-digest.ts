import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { Entry, EntryKey } from '../flags/index.ts';

/**
 * SHA-256 of a state, in hex: of a line `[KEY,ENTRY]` for each entry, in the order of their keys, each as RFC 8785 has
 * it. It is the same in every store.
 */
export function stateDigest(entries: Iterable<readonly [EntryKey, Entry]>): string {
  const lines = [...entries].map(([key, entry]) => [key, canonicalize([key, entry])] as const);
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256');
  for (const [, text] of lines) digest.update(text).update('\n');
  return digest.digest('hex');
}
