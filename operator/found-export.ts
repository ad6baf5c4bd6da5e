import { MODE_FLAG, quoteId, type State } from '../flags/index.ts';
import { haveCommonGeneration } from '../store/anchors.ts';
import { endOf } from './dead-man.ts';

/** Who is about to replace a file, and with what knowledge. */
export interface Exporting {
  readonly organizationId: string | undefined;
  /** The last state that was seen. */
  readonly state: State;
  /** Wall time in milliseconds. */
  readonly now: number;
}

/** What becomes of a file that this export has not left as it is. */
export type FoundFile =
  /** Another export's, that may still be kept: it stays. */
  | { readonly is: 'kept'; readonly why: string }
  /** An export of this very switch: another exporter keeps it too, or has left it. */
  | { readonly is: 'own' }
  /** Anything else, also an export that has ended: whoever wrote it does not keep it any more, or never did. */
  | { readonly is: 'replaceable' };

/**
 * Judges the text of a file before it is replaced. An export of another switch stays until its end has passed: whoever
 * renews it is alive, and its clients would follow the wrong switch, each for half of the time. So does one of this
 * switch that has seen more of it than this export.
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
    // A stop has no end; one that was written before anything was known names no generation, and is nobody's word.
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

/** A store that was recovered from nothing knows no past: any could be its own. */
const isFromNothing = ({ control }: State): boolean => control?.recovered === true && control.generations.length === 1;

interface Found {
  readonly owner: string | undefined;
  readonly generation: string | undefined;
  readonly firstGeneration: string | undefined;
  readonly epoch: number;
  /** In seconds; 0 for one that stops everyone. */
  readonly end: number;
}

/**
 * What an export says of itself; null for any other text, and for one that does not end by itself, which nobody renews.
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

/** A definition that ends by itself, and what it says of itself; null for whatever else it is. */
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
