/** The process, as far as the command has to do with it. */
export interface Io {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The name of the user of this system. */
  user(): string;
  /** Resolves when it is written; false when nobody reads any more. Rejects where it cannot be written. */
  out(text: string): Promise<boolean>;
  err(text: string): void;
  /** Whether a person looks at stderr. */
  readonly watched: boolean;
  untilInterrupted(): AbortSignal;
}
