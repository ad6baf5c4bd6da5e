import { invalid, shownId } from '../../flags/index.ts';
import type { ChangeAnswer, ChangeOptions, ControlPlane, Status } from '../control-plane.ts';
import type { Answer, Context } from './command.ts';

/** The answer to a change. */
export const changed = <T extends ChangeAnswer>(value: T, what: string): Answer => ({
  value,
  recorded: `The change is recorded, at epoch ${value.epoch}.`,
  text: value.already
    ? `${what} already. Your request is recorded, at epoch ${value.epoch}.`
    : `${what}, at epoch ${value.epoch}.`,
});

/** A verb that shows a named value, or sets it: one row each. */
export interface Named<K extends string, V> {
  /** Its keys in the value: `{ "feature": "refunds", "stage": "gated" }`. */
  readonly noun: string;
  readonly field: K;
  readonly all: (status: Status) => Readonly<Record<string, V>>;
  readonly set: (control: ControlPlane, name: string, value: V, options: ChangeOptions) => Promise<ChangeAnswer>;
  /** What is shown where nothing is set: a value, and why. */
  readonly absent: { readonly value: V | null; readonly why: string };
}

export async function showOrSet<K extends string, V extends string | number>(
  context: Context,
  { noun, field, all, set, absent }: Named<K, V>,
  { name, value, ...options }: ChangeOptions & { readonly name: string; readonly value: V | undefined },
): Promise<Answer> {
  const control = await context.control();
  if (value !== undefined) {
    const answer = await set(control, name, value, options);
    return changed({ [noun]: name, [field]: value, ...answer }, `${noun} ${shownId(name)} is ${value}`);
  }
  if (options.reason !== undefined || options.epoch !== undefined) {
    throw invalid(`To show the ${noun}, leave out --reason and --epoch. To set it, give its ${field} too.`);
  }
  const status = await control.status();
  const values = all(status);
  const found = Object.hasOwn(values, name) ? values[name] : undefined;
  return {
    value: { [noun]: name, [field]: found ?? absent.value, set: found !== undefined, epoch: status.epoch },
    text: `${noun} ${shownId(name)} ${found === undefined ? `is not set: ${absent.why}` : `is ${found}`}.`,
  };
}
