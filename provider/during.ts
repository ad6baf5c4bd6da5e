import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * A value that is known to all that is called while some work is under way, and to nobody when that has ended: what was
 * begun meanwhile, a connection for instance, goes on in the same asynchronous context.
 */
export class During<Value> {
  readonly #storage = new AsyncLocalStorage<{ readonly value: Value; isOver: boolean }>();

  get value(): Value | undefined {
    const entry = this.#storage.getStore();
    return entry?.isOver === false ? entry.value : undefined;
  }

  async run<Result>(value: Value, work: () => Promise<Result>): Promise<Result> {
    const entry = { value, isOver: false };
    try {
      return await this.#storage.run(entry, work);
    } finally {
      entry.isOver = true;
    }
  }
}
