import type { Entry, RuleWindow } from '../flags/index.ts';
import { isDue } from './compiled-window.ts';

/** The rules whose windows have to be compiled further ahead, now or later. */
export class Renewals {
  readonly #windows = new Map<string, RuleWindow>();

  /** Notes a rule as it is now; undefined: there is none of that name. */
  note(name: string, rule: Entry<'rule'> | undefined): void {
    if (rule?.window?.kind === 'weekly') this.#windows.set(name, rule.window);
    else this.#windows.delete(name);
  }

  clear(): void {
    this.#windows.clear();
  }

  /** The names of the rules for which that is due. @param nowMs the store's time */
  due(nowMs: number): string[] {
    return [...this.#windows].filter(([, window]) => isDue(window, nowMs)).map(([name]) => name);
  }
}
