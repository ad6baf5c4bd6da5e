import { hash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import {
  approvalIdSchema,
  type EditedInput,
  hashSchema,
  invalid,
  MAX_EDITED_INPUT,
  quoteId,
} from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import { REDACTED } from '../../flags/secret-keys.ts';
import { jsonValue } from '../json-value.ts';
import { readReason } from '../reason.ts';

/** Which request is approved, and how. */
export interface ApproveOptions {
  readonly id: string;
  /**
   * The `input_hash` that the approver was shown; refused where the request has another one. Default: that of the
   * request as it is found.
   */
  readonly inputHash?: string | undefined;
  /**
   * Other arguments, in the place of those that were asked for. They are recorded in the log, and must pass the schema
   * and every limit of the action when they are used. At most 65,536 characters of JSON.
   */
  readonly input?: unknown;
  /** At most 2000 characters. */
  readonly notes?: string | undefined;
}

export const NOTES = ['reason', 'note', 'comment', 'why'];

export function givenApprove(options: ApproveOptions) {
  const given = checkKeys('approve', options, {
    id: ['approvalId', 'request'],
    inputHash: ['hash', 'input_hash'],
    input: ['arguments', 'args', 'edited'],
    notes: NOTES,
  });
  const { id, inputHash, input, notes } = given;
  if (inputHash !== undefined && !hashSchema.safeParse(inputHash).success)
    throw invalid(`inputHash is the input_hash of a request (64 hexadecimal digits), not ${quoteId(inputHash)}.`);
  return {
    id: approvalId(id),
    inputHash,
    edited: input === undefined ? null : editedInput(input),
    ...readReason(notes),
  };
}

/** A lone surrogate, as JSON writes it. */
const HALF_A_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** Arguments that an approver has put in the place of others. */
function editedInput(given: unknown): EditedInput {
  const value = jsonValue('input', given) ?? null;
  const input = JSON.stringify(value);
  if (input.length > MAX_EDITED_INPUT)
    throw invalid(
      `The edited input has ${input.length} characters of JSON, and at most ${MAX_EDITED_INPUT} are taken.`,
    );
  if (HALF_A_CHARACTER.test(input)) throw invalid('The edited input has half a character in a text.');
  if (input.includes(REDACTED))
    throw invalid(
      `The edited input has ${REDACTED} in the place of a secret that was not shown: give the whole input, or leave out what the action does not need.`,
    );
  return { input, input_hash: hash('sha256', canonicalize(value), 'hex') };
}

/** Which request is rejected. An approval that was not used can be rejected too. */
export interface RejectOptions {
  readonly id: string;
  /** At most 2000 characters. */
  readonly reason?: string | undefined;
}

export function givenReject(options: RejectOptions) {
  const { id, reason } = checkKeys('reject', options, {
    id: ['approvalId', 'request'],
    reason: ['notes', 'note', 'why'],
  });
  return { id: approvalId(id), ...readReason(reason) };
}

/** The id of one request: each is decided by its own id, never all at once. */
export function approvalId(id: unknown): string {
  if (typeof id === 'string' && approvalIdSchema.safeParse(id).success) return id;
  throw invalid(
    `${quoteId(id)} is not the id of a request or of a standing approval: 1 to 64 letters, digits, - and _. Each is decided by its own id.`,
  );
}
