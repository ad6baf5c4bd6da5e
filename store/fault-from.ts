import { type Fault, handlingOf, messageOf } from '../flags/index.ts';

/** The fault that a failed request to a store is. */
export const faultFrom = (error: unknown): Fault => ({ code: handlingOf(error).fault, message: messageOf(error) });
