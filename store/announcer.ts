import { notify } from '../flags/callbacks.ts';
import type { Fault } from '../flags/index.ts';
import type { ChangedEntries } from './live-copy.ts';

/**
 * Whether a replica can be trusted from now on, and why not: `stale` still decides while its lease lasts, `fault` does
 * not.
 */
export type Trust =
  | { readonly type: 'ready' }
  | { readonly type: 'stale'; readonly fault: Fault }
  | { readonly type: 'fault'; readonly fault: Fault };

/** What a replica notifies its listeners of. `changed` names the state's entries. */
export type ReplicaEvent =
  /** `at`: when the last of these changes was appended, by the store's clock; null where it is not known. */
  { readonly type: 'changed'; readonly keys: ChangedEntries; readonly at: string | null } | Trust;

/** Notifies a replica's listeners, in the order in which they came. */
export class Announcer {
  readonly #listeners = new Set<(event: ReplicaEvent) => void>();
  /** What they were last notified of: what the copy can be trusted for, and which fault is to blame. */
  #notified: string | null = null;

  on(listener: (event: ReplicaEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(event: ReplicaEvent): void {
    // A listener of the app's cannot hold up the switch, nor loosen it.
    for (const listener of [...this.#listeners]) notify(listener, event);
  }

  /** Notifies them of what the copy can be trusted for, when that has changed. */
  notifyTrust(trust: Trust): void {
    const now = 'fault' in trust ? `${trust.type} ${trust.fault.code}` : trust.type;
    if (now === this.#notified) return;
    this.#notified = now;
    this.notify(trust);
  }

  close(): void {
    this.#listeners.clear();
  }
}
