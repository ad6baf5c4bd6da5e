/** A failure of the command itself: `code` for machines, a sentence for people. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: 'FILE_UNREADABLE' | 'INTERRUPTED' | 'INVALID_DEFINITION' | 'NOT_PRINTED';

  constructor(code: CommandError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
