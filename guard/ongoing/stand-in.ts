import { ActionResultError } from '../errors.ts';
import { copyOf } from './copy.ts';

/** Methods that replace the source's own. */
export type Methods = Readonly<Record<PropertyKey, unknown>>;

/**
 * What the caller gets in place of something that goes on: these methods, which check the switch, and its data members.
 * Its other methods could act unchecked, so calling them throws.
 * @param how what to do instead, for instance `iterate it with for await`
 */
export function standIn(source: object, methods: Methods, action: string, how: string): object {
  const refuse = (name: string) => (): never => {
    throw new ActionResultError(
      action,
      `goes on after the call, and its ${name} could act unchecked: ${how}, or call it inside execute`,
    );
  };
  // A proxy over a copy: over a frozen source it would have to return the source's own members.
  return new Proxy(copyOf(source), {
    get(_target, key) {
      if (Object.hasOwn(methods, key)) return methods[key];
      const value: unknown = Reflect.get(source, key, source);
      return typeof value === 'function' && key !== 'constructor' ? refuse(`${String(key)}()`) : value;
    },
    has: (_target, key) => Object.hasOwn(methods, key) || key in source,
    set: (_target, key, value) => Reflect.set(source, key, value, source),
    apply: refuse('call'),
  });
}
