import { checkLeaseMs, LEASE_MS } from '../../flags/index.ts';
import { requestMs } from '../../flags/lease.ts';
import { FailClosedProvider } from '../fail-closed-provider.ts';
import { noteOwnJudgement } from '../own-judgement.ts';
import { InProcessSource } from './in-process.ts';
import { News } from './news.ts';
import { type FlagdKillSwitchOptions, settingsOf } from './options.ts';
import { RpcSource } from './rpc.ts';

/**
 * flagd, by its own protocols (`flagd.evaluation.v2`, `flagd.sync.v1`), fail-closed and bounded. A kill-switch flag
 * that flagd does not answer for positively within `deadlineMs` is its safe value, and so is everything once flagd has
 * not answered for `leaseMs`: dead, frozen, cut off without a sign, or serving no `kill-switch.mode`. It recovers by
 * itself, in less than a second after flagd is back. In-process, an unreadable definition leaves the last good one in
 * force until the lease ends.
 *
 * That flagd answers proves nothing of flagd's own source: against a source that has gone stale, serve a definition
 * with the dead man in it (`kill-switch flagd export --watch`); against another source with the same flags, name the
 * `organizationId`, so that no answer counts but the export's.
 *
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export class FlagdKillSwitchProvider extends FailClosedProvider {
  constructor(options: FlagdKillSwitchOptions = {}) {
    const settings = settingsOf(options);
    const leaseMs = checkLeaseMs(options.leaseMs === undefined ? LEASE_MS.default : options.leaseMs);
    const { deadlineMs } = settings;
    const news = new News();
    const totalMs = requestMs(leaseMs);
    const silentMs = Math.min(deadlineMs, totalMs);
    const source =
      settings.resolverType === 'rpc'
        ? new RpcSource(settings, news, silentMs)
        : new InProcessSource(settings, news, { silentMs, totalMs });
    super(source, {
      timeoutMs: deadlineMs,
      initializeTimeoutMs: 2 * deadlineMs,
      leaseMs,
      confirm: () => source.confirm(),
      onNews: news.on,
      clock: options.clock,
    });
    if (new.target === FlagdKillSwitchProvider) noteOwnJudgement(this);
  }
}
