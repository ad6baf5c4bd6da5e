import { invalid, shellWord, shownId } from '../../flags/index.ts';
import type { ChangeAnswer, Status, TighteningAnswer } from '../answers.ts';
import type { ChangeOptions, WaitOptions } from '../given/change.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { Answer, Context } from './command.ts';
import type { Aimed } from './hits.ts';
import { type Stop, stopping } from './stopping.ts';

/** What a change of a value says of itself. */
export interface Setting {
  /** The value, for a sentence: `limit refund.max`. */
  readonly what: string;
  /** True for a change that reaches everybody. */
  readonly isEverything?: boolean;
  /** What it is from now on: `limit refund.max is 5`. */
  readonly is: string;
  /** What else there is to say of it, as sentences. */
  readonly also?: string;
  /** Its members in JSON, before those of the answer. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly wait: number;
  /** The command that sets the same of another name; null where there is only one. */
  readonly again: Aimed['again'];
  readonly endsNothing?: true | undefined;
}

/** Sets a value. Where that takes authority away it is a stop: it shows what was hit, and who has obeyed. */
export const setting = (
  context: Context,
  { what, isEverything, is, also = '', members, wait, again, endsNothing }: Setting,
  begin: Stop<TighteningAnswer, ChangeAnswer>['begin'],
): Promise<Answer> => {
  const says = ({ epoch, already }: ChangeAnswer): string =>
    already ? `${is} already. Your request is recorded, at epoch ${epoch}.` : `${is}, at epoch ${epoch}.${also}`;
  const shape = ([answer]: readonly object[]): unknown => ({ ...members, ...answer });
  const setsUp = isEverything !== true; // what reaches everybody is an emergency
  return stopping(context, [{ what, isEverything, setsUp, again, begin, says, endsNothing }], { wait, shape });
};

/** The name in a target of this type. */
export const nameOf =
  (type: 'feature' | 'action') =>
  (target: string): string | null =>
    target.startsWith(`${type}:`) ? target.slice(type.length + 1) : null;

/** A verb that shows a named value, or sets it: one row each. */
export interface Named<K extends string, V> {
  /** The verb. */
  readonly verb: string;
  /** Its keys in the value: `{ "feature": "refunds", "stage": "gated" }`. */
  readonly noun: string;
  readonly field: K;
  readonly all: (status: Status) => Readonly<Record<string, V>>;
  readonly set: (
    control: ControlPlane,
    name: string,
    value: V,
    options: ChangeOptions & WaitOptions,
  ) => Promise<TighteningAnswer>;
  /** True where a change only concerns what starts from then on. */
  readonly endsNothing?: true;
  /** The name in something that is nearly meant; null for something of another kind. */
  readonly nameIn: (near: string) => string | null;
  /** What is shown where nothing is set: a value, and why. */
  readonly absent: { readonly value: V | null; readonly why: string };
}

/** The options of such a verb. */
export interface SetOptions {
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
  readonly wait: number;
}

/** What was typed behind such a verb. */
export interface NamedGiven<V> extends ChangeOptions {
  readonly name: string;
  readonly value: V | undefined;
  readonly wait: number;
}

export async function showOrSet<K extends string, V extends string | number>(
  context: Context,
  { verb, noun, field, all, set, absent, nameIn, endsNothing }: Named<K, V>,
  { name, value, wait, ...options }: NamedGiven<V>,
): Promise<Answer> {
  const control = await context.control();
  const what = `${noun} ${shownId(name)}`;
  if (value !== undefined) {
    const again = (near: string): string | null => {
      const other = nameIn(near);
      return other === null ? null : `kill-switch ${verb} ${shellWord(other)} ${value}`;
    };
    const members = { [noun]: name, [field]: value };
    return setting(context, { what, is: `${what} is ${value}`, members, wait, again, endsNothing }, (waiting) =>
      set(control, name, value, { ...options, ...waiting }),
    );
  }
  if (options.reason !== undefined || options.epoch !== undefined) {
    throw invalid(`To show the ${noun}, leave out --reason and --epoch. To set it, give its ${field} too.`);
  }
  const status = await control.status();
  const values = all(status);
  const found = Object.hasOwn(values, name) ? values[name] : undefined;
  return {
    value: { [noun]: name, [field]: found ?? absent.value, set: found !== undefined, epoch: status.epoch },
    text: `${what} ${found === undefined ? `is not set: ${absent.why}` : `is ${found}`}.`,
  };
}
