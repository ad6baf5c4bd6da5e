import { type Stop, stopTerms } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { Order, Recorded } from './change-queue.ts';
import { type CommandOf, entriesFor } from './commands/index.ts';
import { isChangeRefusedError } from './refusals.ts';
import { readReason } from './reason.ts';

export interface CopyStopsOptions {
  readonly connection: Pick<ControlConnection, 'stops' | 'read'>;
  readonly append: (order: Order) => Promise<Recorded>;
  /** How long recording one is tried, in milliseconds. */
  readonly retryMs: number;
  /** Only stops of this target; default: all. */
  readonly target?: string | undefined;
}

/** What came of copying. `problems`: stops that cannot be read, or that no process of this package wrote. */
export interface Copied {
  readonly stops: number;
  readonly problems: readonly string[];
}

/**
 * Copies executors' stops into the log, each as a kill of its target by what stopped, and takes those that the log has
 * or that are over out of the store. Any number of processes may do so side by side: the first to append has copied it.
 */
export async function copyStops({ connection, append, retryMs, target }: CopyStopsOptions): Promise<Copied> {
  const { stops } = connection;
  if (!stops) return { stops: 0, problems: [] };
  const kept = await stops.list();
  const over: string[] = [];
  const problems: string[] = kept.flatMap((each) =>
    'problem' in each ? [`${each.problem}${each.writer === null ? '' : ` of ${each.writer}`}`] : [],
  );
  let copied = 0;
  for (const each of kept) {
    if (!('stop' in each) || (target !== undefined && each.stop.target !== target)) continue;
    const outcome = await copyOne(each.stop, { connection, append, retryMs });
    if (outcome === 'ahead') problems.push(`a stop that names an epoch to come (${each.stop.epoch})`);
    else over.push(each.stop.id);
    if (outcome === 'copied') copied += 1;
  }
  if (over.length > 0) await stops.drop(over);
  return { stops: copied, problems };
}

async function copyOne(
  stop: Stop,
  { connection, append, retryMs }: Omit<CopyStopsOptions, 'target'>,
): Promise<'copied' | 'over' | 'ahead'> {
  const command: CommandOf<'stop'> = { type: 'stop', stop };
  const view = await connection.read(entriesFor(command));
  if (stop.epoch > (view.head?.epoch ?? 0)) return 'ahead';
  const terms = stopTerms(view, stop);
  if (!terms) return 'over';
  const { by, name } = stop;
  try {
    const { reason } = readReason(terms.reason);
    await append({ command: { ...command, reason }, actor: { is: 'stop', by, name }, retryMs });
    return 'copied';
  } catch (error) {
    // Another process has copied it, or a person has lifted it since.
    if (isChangeRefusedError(error) && error.refusal.kind === 'stop_over') return 'over';
    throw error;
  }
}
