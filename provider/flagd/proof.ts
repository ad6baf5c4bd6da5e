import { type Fault, quoteId } from '../../flags/index.ts';
import type { FlagdSettings } from './options.ts';

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Tells an answer of the switch's own export from any other: flagd lets a later source take the place of a flag, with the app's own file for instance, and
 * nothing but the metadata shows it. flagd puts the metadata of the source that a flag came from into each answer, with both resolvers.
 */
export class Proof {
  readonly #settings: Pick<FlagdSettings, 'expect' | 'organizationId'>;
  readonly #nowMs: () => number;
  /** An answer has borne what only an export bears: from then on each must. */
  #seen = false;

  constructor(settings: Pick<FlagdSettings, 'expect' | 'organizationId'>, nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** Takes note of the metadata that flagd serves before anybody asks. */
  learn(metadata: Metadata): void {
    if (hasExportMetadata(metadata)) this.#seen = true;
  }

  /** Why an answer with this metadata is not what the switch says, or null. */
  fault(metadata: Metadata): Fault | null {
    const { expect, organizationId } = this.#settings;
    const { organization_id: owner, valid_until: end } = metadata;
    const isExport = hasExportMetadata(metadata);
    this.learn(metadata);
    if (typeof end === 'number' && this.#nowMs() >= end * 1000) {
      return {
        code: 'STALE',
        message: `flagd's definition was valid until ${shown(end)}: whoever keeps it current is dead, cut off, or must not be acted on`,
      };
    }
    if (organizationId !== undefined && owner !== undefined && owner !== organizationId) {
      return foreign(`is of the organization ${quoteId(owner)}, not of ${quoteId(organizationId)}`);
    }
    const isExpected = expect === 'export' || (expect === undefined && (organizationId !== undefined || this.#seen));
    if (!isExpected || isExport) return null;
    const absent = MEMBERS.filter((member) => metadata[member] === undefined);
    return foreign(`does not bear the metadata of an export (without ${absent.join(', ') || 'numbers in them'})`);
  }
}

const MEMBERS = ['organization_id', 'epoch', 'valid_until'] as const;

const hasExportMetadata = ({ organization_id, epoch, valid_until }: Metadata): boolean =>
  typeof organization_id === 'string' && typeof epoch === 'number' && typeof valid_until === 'number';

const foreign = (what: string): Fault => ({
  code: 'FOREIGN_ANSWER',
  message: `flagd's answer ${what}: another of its sources has the same flag, or what it serves is no "kill-switch flagd export --watch". Look with: kill-switch flagd validate FILE… (all of them, in flagd's order)`,
});

const shown = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds}` : time.toISOString();
};
