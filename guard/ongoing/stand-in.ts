import { ActionResultError } from '../errors.ts';
import { copyOf } from './copy.ts';

/** Methods that are given in place of the source's own. */
export type Methods = Readonly<Record<PropertyKey, unknown>>;

/**
 * What the caller gets in place of something that goes on: these methods, which look at the switch; what it holds can
 * be read. Its other methods could act unseen, so they are refused by name.
 * @param how what to do instead, as in `iterate it with for await`
 */
export function standIn<T extends object>(source: T, methods: Methods, action: string, how: string): T {
  const refuse = (name: string) => (): never => {
    throw new ActionResultError(
      action,
      `goes on after the call, and its ${name} could not be looked at: ${how}, or call it inside execute`,
    );
  };
  // A proxy of the source itself would have to tell what a frozen one tells.
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
