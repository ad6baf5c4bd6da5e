import { checkKeys, type Keys } from '../../flags/options.ts';
import { checkBoolean, names } from './checks.ts';
import { readReason } from '../reason.ts';

/** Why a changed store is accepted, and whose reports count. */
export interface RecoverOptions {
  readonly reason: string;
  /**
   * True: begins a control plane also where nothing shows that there ever was one: it was lost without a trace. Without
   * it such a store is refused, since it is probably not the one that was meant. Default false.
   */
  readonly create?: boolean | undefined;
  /**
   * Executors whose reports of forks are ignored from now on: by name (as Redis knows it, where its user is confined to
   * that name), or as `uid N`, the owner of its files in a file store. Such an executor stops nobody but itself.
   */
  readonly exclude?: readonly string[] | undefined;
  /** Executors whose reports count again. */
  readonly include?: readonly string[] | undefined;
}

const RECOVER_KEYS: Keys<RecoverOptions> = {
  reason: ['why', 'because'],
  create: true,
  exclude: true,
  include: true,
};

export function givenRecover(options: RecoverOptions) {
  const given = checkKeys('recover', options, RECOVER_KEYS);
  const { reason, create = false, exclude, include } = given;
  checkBoolean('create', create);
  const event = { ...readReason(reason), exclude: names('exclude', exclude), include: names('include', include) };
  return { create, event };
}
