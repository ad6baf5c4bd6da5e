import type { PlainInput } from './plain-data.ts';

/** The input that is given to `execute`. */
export interface Effective<Input> {
  readonly input: Input;
  /** The same as the text that was hashed, where something has hashed it. */
  readonly plain?: PlainInput | undefined;
  /** Queues the record of a call that was redirected or approved: it was made earlier, because making it takes time. */
  readonly keepRecord?: () => void;
}
