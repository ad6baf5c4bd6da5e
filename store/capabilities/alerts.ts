/**
 * What alerts need beside the log, and the log must not have: where they go, with the key of their signature, and how
 * far each target has been told. Texts under names, which only operators may read. A name has small letters, digits
 * and `-`.
 */
export interface AlertKeeper {
  /** The text of each name; names that have none are left out. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Puts a text in the place of `before`, durably; null: no text. False where something else than `before` is there:
   * then nothing was changed. Of several who do so at once, one does.
   * @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY: it is not known whether it was done
   */
  swap(name: string, before: string | null, after: string | null): Promise<boolean>;
}
