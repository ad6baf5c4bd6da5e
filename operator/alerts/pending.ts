import type { AlertTarget, LogEvent } from '../../flags/index.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { type Alert, type AlertData, isWanted } from './alert.ts';
import { alertOf } from './from-event.ts';
import type { Notices, Progress } from './records.ts';

/** An alert that waits, and how far its target has been told once it is delivered. */
export interface Waiting {
  readonly alert: Alert;
  readonly after: Pick<Progress, 'epoch' | 'notice'>;
}

export interface Outbox {
  readonly log: ControlConnection['log'];
  readonly notices: Pick<Notices, 'list'>;
  readonly organizationId: string;
}

/** An alert of a notice. */
const noticeAlert = ({ id, type, at, data }: Notices['list'][number]): Alert => ({
  id,
  type,
  at,
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `conditions.ts` has made it
  data: data as unknown as AlertData,
});

/**
 * What a target has yet to be told, in order: the changes of the log are the outbox for what they say, and notices for
 * the rest; of the two the earlier one is next. Nothing that comes after the target was removed.
 */
export async function* waitingFor(
  { name, events, since }: Pick<AlertTarget, 'name' | 'events' | 'since'>,
  progress: Pick<Progress, 'epoch' | 'notice'>,
  { log, notices, organizationId }: Outbox,
): AsyncGenerator<Waiting> {
  let after = { epoch: progress.epoch, notice: progress.notice };
  const wanted = notices.list.filter((notice) => notice.number > progress.notice && isWanted(notice, events));
  const before = function* (at: string | null): Generator<Waiting> {
    for (let first = wanted[0]; first && (at === null || first.at <= at); first = wanted[0]) {
      wanted.shift();
      after = { ...after, notice: first.number };
      yield { alert: noticeAlert(first), after };
    }
  };
  for await (const event of log(Math.max(since, progress.epoch))) {
    if (event.type === 'alert' && event.data['name'] === name) return; // whoever reads this has not read that yet
    const alert = wantedOf(event, events, organizationId);
    if (!alert) continue;
    yield* before(event.at);
    after = { ...after, epoch: event.seq };
    yield { alert, after };
  }
  yield* before(null);
}

function wantedOf(event: LogEvent, events: AlertTarget['events'], organizationId: string): Alert | null {
  const alert = alertOf(event, organizationId);
  return alert && isWanted(alert, events) ? alert : null;
}
