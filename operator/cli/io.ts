/** The terminal that stdout is. */
export interface Screen {
  /** Its width in characters. */
  readonly columns: number;
  readonly colours: boolean;
}

/** The terminal that stdout is, for a verb that draws on all of it and draws again. */
export interface LiveTerminal {
  size(): { readonly columns: number; readonly rows: number };
  /**
   * Takes the whole screen, without a cursor, and the keys. What was on it comes back when the returned function is
   * called, or the process ends in whatever way but SIGKILL.
   */
  take(taken: {
    readonly onKey: (key: string) => void;
    /** The size is another one, or something else was drawn meanwhile: all of it has to be drawn again. */
    readonly onRedraw: () => void;
    /** The terminal is gone. */
    readonly onHangup: () => void;
  }): () => void;
  write(text: string): void;
}

/** The parts of the process that the command uses. */
export interface Io {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The present folder. */
  cwd(): string;
  /** The name of the user of this system. */
  user(): string;
  /**
   * Resolves with true when the text is written, with false when nobody reads stdout any more. Rejects where it cannot
   * be written.
   */
  out(text: string): Promise<boolean>;
  err(text: string): void;
  /** Whether stderr is a terminal, on which a line can be replaced. */
  readonly watched: boolean;
  /** Null where stdout is no terminal: a pipe or a file, which gets everything, without colours. */
  readonly screen: Screen | null;
  /** Asks whoever sits at the terminal, and resolves with what is typed; absent where nobody does. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Null where stdout is no terminal, or one that can only print lines. */
  readonly live: LiveTerminal | null;
  untilInterrupted(): AbortSignal;
}

/** What clears the line of progress, where there may be one: written on stderr before anything else is printed. */
export const cleared = ({ watched }: Pick<Io, 'watched'>): string => (watched ? '\r\u001b[K' : '');
