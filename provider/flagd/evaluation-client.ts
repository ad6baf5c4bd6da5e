import {
  FlagNotFoundError,
  type FlagValue,
  GeneralError,
  type JsonValue,
  type OpenFeatureError,
  ParseError,
  type ResolutionDetails,
  TypeMismatchError,
} from '@openfeature/server-sdk';
import type { FlagType } from '../../flags/index.ts';
import { GrpcConnection, GrpcStatusError } from './grpc-connection.ts';
import { NewsStream } from './news-stream.ts';
import type { FlagdSettings } from './options.ts';
import {
  booleanOf,
  bytesOf,
  decodeStruct,
  doubleOf,
  type Field,
  fieldsOf,
  structField,
  textField,
  textOf,
} from './protobuf.ts';
import type { FlagdQuestion } from './source.ts';

const SERVICE = '/flagd.evaluation.v2.Service';

/** For each type the method that asks for it, and how its value is read. */
const METHODS: Readonly<Record<FlagType, { readonly name: string; readonly read: (value: Field) => FlagValue }>> = {
  boolean: { name: 'ResolveBoolean', read: booleanOf },
  string: { name: 'ResolveString', read: textOf },
  number: { name: 'ResolveFloat', read: doubleOf },
  object: { name: 'ResolveObject', read: (value) => decodeStruct(bytesOf(value)) },
};

export interface EvaluationListener {
  /** These flags have changed. */
  readonly onChanged: (flagKeys: readonly string[]) => void;
  /** The stream was lost. */
  readonly onLost: () => void;
}

/**
 * flagd's evaluation port. Questions and the stream of changes share one connection: where the first are answered, the
 * second is not silently dead.
 */
export class EvaluationClient {
  readonly #connection: GrpcConnection;
  readonly news: NewsStream;

  constructor(settings: FlagdSettings, { onChanged, onLost }: EvaluationListener) {
    this.#connection = new GrpcConnection(settings);
    this.news = new NewsStream({
      connection: this.#connection,
      path: `${SERVICE}/EventStream`,
      request: Buffer.alloc(0),
      onMessage: (message) => onChanged(changedIn(message)),
      onLost,
    });
  }

  /**
   * Rejects with an `OpenFeatureError` where flagd has answered with an error, and with any other error where it has
   * not answered.
   */
  async resolve(question: FlagdQuestion, deadlineMs: number): Promise<ResolutionDetails<FlagValue>> {
    const { type, flagKey, defaultValue, context } = question;
    const { name, read } = METHODS[type];
    try {
      const request = Buffer.concat([textField(1, flagKey), structField(2, context)]);
      const answer = await this.#connection.call(`${SERVICE}/${name}`, request, {
        silentMs: deadlineMs,
        totalMs: deadlineMs,
      });
      return detailsIn(answer, read, defaultValue);
    } catch (error) {
      throw error instanceof GrpcStatusError ? errorOf(error) : error;
    }
  }

  /** The connection may be dead while flagd is not. */
  giveUp(): void {
    this.#connection.giveUp();
  }

  close(): void {
    this.news.close();
    this.#connection.close();
  }
}

/** @throws where there is no value, and the reason is not that the flag is disabled or has no default */
function detailsIn(
  answer: Uint8Array,
  read: (value: Field) => FlagValue,
  defaultValue: FlagValue,
): ResolutionDetails<FlagValue> {
  let value: FlagValue | undefined;
  let reason = '';
  let variant: string | undefined;
  let metadata: Record<string, JsonValue> = {};
  for (const field of fieldsOf(answer)) {
    if (field.number === 1) value = read(field);
    else if (field.number === 2) reason = textOf(field);
    else if (field.number === 3) variant = textOf(field);
    else if (field.number === 4) metadata = decodeStruct(bytesOf(field));
  }
  // The flag is disabled or has no default, so the value in the answer means nothing.
  if (!variant && (reason === 'DEFAULT' || reason === 'DISABLED')) value = defaultValue;
  if (value === undefined) throw new GeneralError('flagd answered without a value');
  return { value, reason, ...(variant ? { variant } : {}), flagMetadata: plainMembers(metadata) };
}

/** The members that OpenFeature's metadata may have: texts, numbers and booleans. */
function plainMembers(metadata: Record<string, JsonValue>): Record<string, string | number | boolean> {
  const plain: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(metadata))
    if (value !== null && typeof value !== 'object') plain[key] = value;
  return plain;
}

/** The same errors for the same statuses as in the official provider. */
function errorOf({ status, details }: GrpcStatusError): OpenFeatureError {
  switch (status) {
    case 3: // INVALID_ARGUMENT
      return new TypeMismatchError(details);
    case 5: // NOT_FOUND
      return new FlagNotFoundError(details);
    case 15: // DATA_LOSS
      return new ParseError(details);
    default:
      return new GeneralError(details);
  }
}

/**
 * The keys of the flags that a message of the stream names as changed; none for any other message, or one that cannot
 * be read.
 */
function changedIn(message: Uint8Array): string[] {
  try {
    for (const field of fieldsOf(message)) {
      if (field.number !== 2) continue;
      const { flags } = decodeStruct(bytesOf(field));
      return typeof flags === 'object' && flags !== null ? Object.keys(flags) : [];
    }
  } catch {
    // Only the event is lost: each evaluation asks flagd anyway.
  }
  return [];
}
