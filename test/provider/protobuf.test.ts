import type { JsonValue } from '@openfeature/server-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, Frames } from '../../provider/flagd/grpc-frames.ts';
import { bytesOf, decodeStruct, fieldsOf, structField, textField, textOf } from '../../provider/flagd/protobuf.ts';

const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue() as fc.Arbitrary<JsonValue>);
const encoded = (value: object): Uint8Array => {
  const [field] = [...fieldsOf(structField(2, value))];
  if (!field) throw new Error('no field');
  return bytesOf(field);
};

describe('messages of flagd', () => {
  it('encode every JSON object so that decoding gives it back', () => {
    fc.assert(
      fc.property(object, (value) => {
        // JSON has no -0; protobuf has.
        expect(JSON.parse(JSON.stringify(decodeStruct(encoded(value))))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('leave out undefined members, and encode a Date as its text', () => {
    expect(decodeStruct(encoded({ at: new Date(0), none: undefined, list: [undefined] }))).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      list: [null],
    });
    expect(() => encoded({ work: () => {} })).toThrow(/a function cannot be sent/);
  });

  it('are refused where they are cut off anywhere, or are no messages', () => {
    const whole = encoded({ one: 'text', two: [1, { three: true }] });
    const ends = new Set<number>();
    for (let end = 1; end < whole.length; end += 1) {
      try {
        decodeStruct(whole.subarray(0, end));
        ends.add(end); // between two members: that is a shorter object
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
    expect(ends.size).toBe(1);
    expect(() => [...fieldsOf(Buffer.from([0x0b]))]).toThrow(/wire type 3/);
    expect(() => [...fieldsOf(Buffer.alloc(12, 0xff))]).toThrow(RangeError);
    expect(() => [...fieldsOf(textField(1, 'a'))].map((field) => textOf({ ...field, value: 1 }))).toThrow(RangeError);
  });

  it('are read out of their frames however those are cut into chunks', () => {
    const messages = ['', 'one', 'x'.repeat(1000), 'three'].map((text) => Buffer.from(text));
    const stream = Buffer.concat(messages.map(frame));
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const frames = new Frames();
        const taken: string[] = [];
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), stream.length]) {
          taken.push(...frames.take(stream.subarray(from, to)).map((message) => Buffer.from(message).toString()));
          from = to;
        }
        expect(taken).toEqual(messages.map(String));
      }),
    );
  });

  it('are not read where they are compressed, or longer than 64 MiB', () => {
    expect(() => new Frames().take(Buffer.from([1, 0, 0, 0, 0]))).toThrow(/compressed/);
    expect(() => new Frames().take(Buffer.from([0, 0xff, 0, 0, 0]))).toThrow(/longer than 67108864 bytes/);
  });
});
