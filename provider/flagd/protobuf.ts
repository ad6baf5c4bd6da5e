import type { JsonValue } from '@openfeature/server-sdk';

// The part of protobuf that flagd's messages need; no package exports readers and writers for them.

/** One field of a message: a whole number, or bytes (8 or 4 of them where its length is fixed). */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message, in their order. @throws RangeError for bytes that are not a message */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const readVarint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = message[at];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('truncated');
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  const readBytes = (length: number): Uint8Array => {
    at += length;
    if (at > message.length) throw new RangeError('truncated');
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: readVarint() };
        break;
      case 1:
        yield { number, value: readBytes(8) };
        break;
      case 2:
        yield { number, value: readBytes(readVarint()) };
        break;
      case 5:
        yield { number, value: readBytes(4) };
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
  }
}

export function bytesOf({ value }: Field): Uint8Array {
  if (typeof value === 'number') throw new RangeError('a number where bytes belong');
  return value;
}

/** @throws where it is not UTF-8 */
export const textOf = (field: Field): string => new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(field));

export const booleanOf = ({ value }: Field): boolean => value !== 0;

export function doubleOf(field: Field): number {
  const bytes = bytesOf(field);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0, true);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

const bytesField = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);

export const textField = (number: number, text: string): Buffer => bytesField(number, Buffer.from(text, 'utf8'));

export const structField = (number: number, object: object): Buffer => bytesField(number, encodeStruct(object));

/** `google.protobuf.Struct`. Members that are undefined are left out. */
const encodeStruct = (object: object): Buffer =>
  Buffer.concat(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => bytesField(1, Buffer.concat([textField(1, key), bytesField(2, encodeValue(value))]))),
  );

/** `google.protobuf.Value`. A Date is its text, as in JSON. @throws TypeError for a value that JSON does not have */
function encodeValue(value: unknown): Buffer {
  switch (typeof value) {
    case 'boolean':
      return Buffer.from([4 * 8, value ? 1 : 0]);
    case 'number': {
      const field = Buffer.alloc(9, 2 * 8 + 1);
      field.writeDoubleLE(value, 1);
      return field;
    }
    case 'string':
      return textField(3, value);
    case 'undefined':
    case 'object':
      if (value === null || value === undefined) return Buffer.from([1 * 8, 0]);
      if (value instanceof Date) return textField(3, value.toISOString());
      if (Array.isArray(value))
        return bytesField(6, Buffer.concat(value.map((one) => bytesField(1, encodeValue(one)))));
      return structField(5, value);
    default:
      throw new TypeError(`a ${typeof value} cannot be sent to flagd`);
  }
}

/** `google.protobuf.Struct` */
export const decodeStruct = (message: Uint8Array): Record<string, JsonValue> =>
  Object.fromEntries(
    [...fieldsOf(message)].map((entry): [string, JsonValue] => {
      let [key, value]: [string, JsonValue] = ['', null];
      for (const field of fieldsOf(bytesOf(entry))) {
        if (field.number === 1) key = textOf(field);
        else if (field.number === 2) value = decodeValue(bytesOf(field));
      }
      return [key, value];
    }),
  );

/** `google.protobuf.Value` */
function decodeValue(message: Uint8Array): JsonValue {
  let value: JsonValue = null;
  for (const field of fieldsOf(message)) {
    switch (field.number) {
      case 2:
        value = doubleOf(field);
        break;
      case 3:
        value = textOf(field);
        break;
      case 4:
        value = booleanOf(field);
        break;
      case 5:
        value = decodeStruct(bytesOf(field));
        break;
      case 6:
        value = [...fieldsOf(bytesOf(field))].map((one) => decodeValue(bytesOf(one)));
        break;
      default:
        value = null;
    }
  }
  return value;
}
