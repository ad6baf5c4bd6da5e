import { ActionResultError } from '../errors.ts';

/** What Node keeps of a stream that is read. Without the two algorithms it is over. */
export interface ReadInside {
  pullAlgorithm?: ((controller: unknown) => Promise<void>) | undefined;
  cancelAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
  pulling: boolean;
}

/** What Node keeps of a stream that is written. Without the algorithms it is over, or closing. */
export interface WriteInside {
  writeAlgorithm?: ((piece: unknown, controller: unknown) => Promise<void>) | undefined;
  closeAlgorithm?: (() => Promise<void>) | undefined;
  abortAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
}

/** What Node keeps of a stream itself. */
export interface StreamInside<Controller> {
  readonly controller: Controller;
  readonly writer?: WritableStreamDefaultWriter | undefined;
  readonly inFlightWriteRequest?: { readonly promise?: Promise<void> | undefined };
  readonly inFlightCloseRequest?: { readonly promise?: Promise<void> | undefined };
}

/**
 * What Node keeps of a web stream, under a symbol of its own. By what is public nobody can see what a stream's queue asks of its source, and that goes on
 * unread: so the asking itself is looked at, where it is done. Undefined where Node keeps it elsewhere.
 */
export function insideOf<T>(thing: object): T | undefined {
  const key = Object.getOwnPropertySymbols(thing).find(({ description }) => description === 'kState');
  return key && ((thing as Record<symbol, unknown>)[key] as T | undefined);
}

/** A stream's and its controller's. @throws ActionResultError for a stream that cannot be seen into */
export function openUp<Controller extends object, Inside extends object>(
  stream: object,
  [algorithm, action]: readonly [keyof Inside & string, string],
): { readonly outer: StreamInside<Controller>; readonly own: Inside } {
  const outer = insideOf<StreamInside<Controller>>(stream);
  const own = outer?.controller && insideOf<Inside>(outer.controller);
  if (outer && own && algorithm in own) return { outer, own };
  throw new ActionResultError(
    action,
    `is a stream whose steps cannot be seen in this runtime (Node ${process.version}): await inside execute what goes through it`,
  );
}

/** Resolves when Node sets this the next time. */
export function untilSet<Inside extends object>(inside: Inside, key: keyof Inside): Promise<void> {
  return new Promise((resolve) => {
    const value = inside[key];
    const set = (next: unknown): void => {
      Object.defineProperty(inside, key, { value: next, writable: true, enumerable: true, configurable: true });
      resolve();
    };
    Object.defineProperty(inside, key, { get: () => value, set, enumerable: true, configurable: true });
  });
}
