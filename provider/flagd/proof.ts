import { type Fault, quoteId } from '../../flags/index.ts';
import { foreign, Lineage, type Seen } from './lineage.ts';
import type { FlagdSettings } from './options.ts';

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Recognises the answers of the switch's own export. In flagd a later source (the app's own file, for instance) can
 * replace a flag, and only the metadata shows it: flagd puts the metadata of a flag's source into each answer, with
 * both resolvers.
 */
export class Proof {
  readonly #settings: Pick<FlagdSettings, 'expect' | 'organizationId'>;
  readonly #nowMs: () => number;
  /** An answer has had the metadata of an export: from then on each must. */
  #demands = false;
  readonly #lineage = new Lineage();

  constructor(settings: Pick<FlagdSettings, 'expect' | 'organizationId'>, nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** How far this switch has been seen; read it before flagd is asked. */
  get seen(): Seen | null {
    return this.#lineage.seen;
  }

  /** Takes note of the metadata in a confirmation, where no flag is being answered. */
  learn(metadata: Metadata, seen: Seen | null): void {
    this.fault(metadata, seen);
  }

  /** Why an answer with this metadata is not the switch's; null when it is. `seen`: from before flagd was asked. */
  fault(metadata: Metadata, seen: Seen | null): Fault | null {
    const { expect, organizationId } = this.#settings;
    const { organization_id: owner, valid_until: end } = metadata;
    const isExport = hasExportMetadata(metadata);
    if (isExport) this.#demands = true;
    if (typeof end === 'number' && this.#nowMs() >= end * 1000) {
      return {
        code: 'STALE',
        message: `flagd's definition was valid until ${shown(end)}: whoever keeps it current is dead, cut off, or must not be acted on`,
      };
    }
    if (organizationId !== undefined && owner !== undefined && owner !== organizationId) {
      return foreign(`is of the organization ${quoteId(owner)}, not of ${quoteId(organizationId)}`);
    }
    const isExpected = expect === 'export' || (expect === undefined && (organizationId !== undefined || this.#demands));
    if (!isExpected) return null;
    if (isExport) return this.#lineage.follow(metadata, seen);
    const absent = MEMBERS.filter((member) => metadata[member] === undefined);
    return foreign(`does not bear the metadata of an export (without ${absent.join(', ') || 'numbers in them'})`);
  }
}

const MEMBERS = ['organization_id', 'epoch', 'valid_until'] as const;

const hasExportMetadata = ({ organization_id, epoch, valid_until }: Metadata): boolean =>
  typeof organization_id === 'string' && typeof epoch === 'number' && typeof valid_until === 'number';

const shown = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds}` : time.toISOString();
};
