// Of an object that others have made nothing is known but what was looked at.

/** True for objects other than functions. */
export const isObject = (value: unknown): value is Readonly<Record<PropertyKey, unknown>> =>
  typeof value === 'object' && value !== null;

/** A member, own or inherited; undefined where there is none. A getter is run. */
export const memberOf = (thing: object, key: PropertyKey): unknown => Reflect.get(thing, key);

/** Whether it has a method of that name. A getter that throws is no method. */
export const has = (thing: object, key: PropertyKey): boolean => {
  try {
    return typeof memberOf(thing, key) === 'function';
  } catch {
    return false;
  }
};
