import { statSync } from 'node:fs';
import { expiryOf, type LogEvent } from '../../flags/index.ts';
import type { ApprovalKeeper, Approvals } from '../capabilities/approvals.ts';
import { claimId } from '../approvals.ts';
import { withDeadline } from '../with-deadline.ts';
import { uidWriter } from '../writers.ts';
import { Claims, type Claimer } from './claims.ts';
import type { FilePaths } from './paths.ts';
import { readLog } from './read-log.ts';
import { OwnRequests, Requests } from './requests.ts';
import type { Serial } from './serial.ts';

/** An executor's side, but for the claim, which is a confirmation. */
export function fileApprovals(
  paths: FilePaths,
  by: Claimer,
  { claims, now, ms }: { readonly claims: Claims; readonly now: () => number; readonly ms: number },
): Omit<Approvals, 'claim'> {
  const own = new OwnRequests(paths, claims, by.name);
  const requests = new Requests(paths, claims);
  return {
    request: (asked) => withDeadline(own.request(asked, now()), ms, 'approval'),
    async find(id) {
      const found = await withDeadline(requests.get(id), ms, 'approval');
      const end = found?.end ?? (await claims.endOf(id));
      if (end !== null) return { is: 'ended', as: end };
      return found?.request ? { is: 'open', expires_at: expiryOf(found.request) } : { is: 'missing' };
    },
    end: (id, as) => withDeadline(claims.end(id, as, { by: by.name, now: now() }), ms, 'approval'),
    async events(after, upTo, most) {
      const events: LogEvent[] = [];
      for await (const event of readLog(paths.log, after.epoch, { ms, known: after, admit: () => {} })) {
        if (event.seq > upTo) break;
        if (events.length === most) return null;
        events.push(event);
      }
      return events;
    },
  };
}

/** The operator's side. Reading requests waits in the queue of all reports, so that no append waits for it. */
export function fileApprovalKeeper(
  paths: FilePaths,
  { reports, now, ms }: { readonly reports: Serial; readonly now: () => number; readonly ms: number },
): ApprovalKeeper {
  const claims = new Claims(paths);
  const requests = new Requests(paths, claims);
  const inQueue = <T>(what: string, work: (onStep: () => void) => Promise<T>): Promise<T> => {
    let steps = 0;
    return reports.run(what, () => work(() => (steps += 1)), { ms, steps: () => steps });
  };
  return {
    get own() {
      return ownWriter(paths);
    },
    all: () => inQueue('approvals', (onStep) => requests.all(onStep)),
    get: (id) => inQueue('approval', () => requests.get(id)),
    uses: (id, times) =>
      inQueue('claims', async () => {
        const ids = Array.from({ length: times }, (_, use) => claimId({ id, times }, use + 1));
        return (await claims.endsOf(ids)).size;
      }),
    expire: (ids) =>
      inQueue('claims', async (onStep) => {
        for (const id of ids) {
          await claims.end(id, 'expired', { by: 'system', now: now() });
          onStep();
        }
      }),
    forget: (ids, standing = []) =>
      inQueue('approvals', async () => {
        await requests.forget(ids);
        await claims.forget(ids);
        for (const one of standing)
          await claims.forget(Array.from({ length: one.times }, (_, use) => claimId(one, use + 1)));
      }),
  };
}

/**
 * The user of this process, where the store belongs to another one: then executors may have users of their own, and one
 * of them must not approve what it has asked for. Where everything belongs to one user, nothing tells them apart.
 */
function ownWriter({ control }: FilePaths): string | null {
  const user = process.geteuid?.();
  try {
    return user === undefined || user === 0 || statSync(control).uid === user ? null : uidWriter(user);
  } catch {
    return null;
  }
}
