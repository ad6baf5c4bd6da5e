import { MODE_FLAG, quoteId, type State } from '../flags/index.ts';
import { haveCommonGeneration } from '../store/anchors.ts';
import { endOf } from './dead-man.ts';

/** The export that is about to replace a file. */
export interface Exporting {
  readonly organizationId: string | undefined;
  /** The last state that was seen. */
  readonly state: State;
  /** Wall time in milliseconds. */
  readonly now: number;
}

/** The judgement on a file that is not as this export left it. */
export type FoundFile =
  /** Another export may still keep it: it stays. */
  | { readonly is: 'kept'; readonly why: string }
  /** An export of this switch, by another exporter that runs or has ended. */
  | { readonly is: 'own' }
  /** Anything else, also an export that has ended: nobody keeps it. */
  | { readonly is: 'replaceable' };

/**
 * Judges the text of a file before it is replaced. An export of another switch stays until its end has passed: its
 * exporter is alive, and clients would follow each switch half of the time. An export of this switch that has seen a
 * later epoch than this one stays too.
 */
export function judgeFound(text: string, { organizationId, state, now }: Exporting): FoundFile {
  const found = readExport(text);
  if (!found) return { is: 'replaceable' };
  const { owner, generation, firstGeneration, epoch, end } = found;
  const control = state.control;
  const theirs = [generation, firstGeneration].filter((one) => one !== undefined);
  const isOther =
    (organizationId !== undefined && owner !== undefined && owner !== organizationId) ||
    (control !== undefined && theirs.length > 0 && !haveCommonGeneration(theirs, control.generations));
  if (isOther) {
    // A stop has no end. One that names no generation was written before its exporter knew anything.
    const isUnowned = end === 0 && (generation === undefined || isFromNothing(state));
    if (isUnowned || (end > 0 && end * 1000 <= now)) return { is: 'replaceable' };
    return { is: 'kept', why: otherSwitch(found) };
  }
  if (control === undefined || generation === undefined) return { is: 'replaceable' };
  if (!control.generations.includes(generation)) return { is: 'kept', why: ahead('of a later generation', state) };
  const isAhead = generation === control.generation && epoch > state.epoch;
  return isAhead ? { is: 'kept', why: ahead(`of epoch ${epoch}`, state) } : { is: 'own' };
}

function otherSwitch({ owner, generation, end }: Found): string {
  const names = [
    ...(owner === undefined ? [] : [`organization ${quoteId(owner)}`]),
    ...(generation === undefined ? [] : [`generation ${quoteId(generation)}`]),
  ].join(', ');
  const until =
    end === 0
      ? 'that stops everyone: if nothing keeps it any more, remove it'
      : 'that is renewed, or has not ended yet: it is taken over when its end has passed';
  return `it is an export of another switch (${names}) ${until}. Give each switch a file of its own`;
}

const ahead = (what: string, { epoch }: State): string =>
  `it is ${what} of this switch, and this export is at epoch ${epoch}: it is behind, or the store has lost changes. If that lasts, look at the store, and then run kill-switch recover, or remove the file to accept the store as it is`;

/** True for a store that was recovered from nothing: every generation could be an earlier one of its own. */
const isFromNothing = ({ control }: State): boolean => control?.recovered === true && control.generations.length === 1;

interface Found {
  readonly owner: string | undefined;
  readonly generation: string | undefined;
  readonly firstGeneration: string | undefined;
  readonly epoch: number;
  /** In seconds; 0 for an export that stops everyone. */
  readonly end: number;
}

/**
 * What an export says of itself; null for any other text, and for a definition that does not end by itself, which
 * nobody renews.
 */
function readExport(text: string): Found | null {
  const found = readEnding(text);
  const epoch = found?.metadata['epoch'];
  if (!found || typeof epoch !== 'number') return null;
  const { metadata, end } = found;
  return {
    owner: textOf(metadata['organization_id']),
    generation: textOf(metadata['generation']),
    firstGeneration: textOf(metadata['first_generation']),
    epoch,
    end,
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The second at which a definition that `compileFlagd` made ends; null for one that does not end by itself. */
export const deadManOf = (text: string): number | null => readEnding(text)?.end ?? null;

/** The end and the metadata of a definition that ends by itself; null for any other text. */
function readEnding(
  text: string,
): { readonly end: number; readonly metadata: Readonly<Record<string, unknown>> } | null {
  try {
    const { flags, metadata } = JSON.parse(text);
    const end = endOf(flags[MODE_FLAG]);
    return end === null ? null : { end, metadata: Object(metadata) };
  } catch {
    return null;
  }
}
