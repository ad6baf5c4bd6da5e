import type { Anchor, Head } from '../../flags/index.ts';

/** Keeps an executor's last head. Synchronous, because it is written before anything acts on that head. */
export interface AnchorKeeper {
  /** Where it is, for messages. */
  readonly location?: string | undefined;
  /** @throws when there is an anchor that cannot be read: that is not the same as no anchor */
  read(): Anchor | null;
  /**
   * @throws KillSwitchError ANCHOR_FOREIGN when the anchor of another control plane is there, which is never replaced
   */
  write(anchor: Anchor): void;
}

/** The last head that an executor saw, as its anchor has it. */
export interface Remembered {
  readonly name: string;
  readonly held: Head;
}

/** Reads the anchors that executors keep outside a store. */
export interface AnchorReader {
  /**
   * The anchors of this user's executors for this very store: if there is one, an empty store was wiped or replaced.
   * Never rejects.
   */
  remembered(): Promise<readonly Remembered[]>;
}
