import { randomUUID } from 'node:crypto';
import { type AlertDefinition, type AlertTarget, entryKey, KillSwitchError } from '../../flags/index.ts';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';
import type { Alert } from '../alerts/alert.ts';
import { addressOf, checkPublic } from '../alerts/address.ts';
import { attempt } from '../alerts/attempt.ts';
import { dataOf } from '../alerts/conditions.ts';
import { NAMES, readRecord, secretSchema } from '../alerts/records.ts';
import { alertRows, type AlertsPlace } from '../alerts/rows.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenAlert, givenAlertRemoval } from '../given/alert.ts';
import { named } from '../given/checks.ts';
import { givenList } from '../given/list.ts';
import { partOf } from '../lists.ts';
import { ChangeRefusedError, isChangeRefusedError, NotInitialisedError } from '../refusals.ts';
import { type Acting, answerTo } from './acting.ts';

type Alerting = 'alerts' | 'addAlert' | 'removeAlert' | 'testAlert';

/** Whom to tell of what. */
export function alerting(acting: Acting): Pick<ControlPlane, Alerting> {
  const { connection, opened, organizationId } = acting;

  /** @throws KillSwitchError INVALID_STATE where the driver has none */
  function keeper(): AlertKeeper {
    if (connection.alerts) return connection.alerts;
    throw new KillSwitchError('INVALID_STATE', 'Nobody can be told over this store: its driver keeps no alerts.');
  }

  async function read(): Promise<AlertsPlace & { readonly targets: readonly AlertTarget[] }> {
    const { head, time, get } = await connection.read([entryKey('control'), entryKey('alerts')]);
    if (!head) throw new NotInitialisedError(opened.place);
    const targets = get('alerts')?.targets ?? [];
    return { targets, epoch: head.epoch, time };
  }

  /** @throws ChangeRefusedError NOT_FOUND */
  async function targetOf(name: string): Promise<AlertTarget> {
    const found = (await read()).targets.find((each) => each.name === name);
    if (found) return found;
    throw new ChangeRefusedError({ kind: 'no_alert', name });
  }

  /** What was kept of a target that nothing is sent to any more. */
  async function forget(id: string): Promise<void> {
    for (const name of [NAMES.secret(id), NAMES.progress(id)]) {
      const text = (await keeper().read([name])).get(name);
      if (text !== undefined) await keeper().swap(name, text, null);
    }
  }

  return {
    async alerts(options = {}) {
      const page = givenList('alerts', options, {});
      const { rows, sending } = await alertRows(await read(), connection, organizationId);
      return { ...partOf(rows, page), sending };
    },

    async addAlert(options) {
      const { name, where, secret, allowPrivate, reason, reasonProblem, ...given } = givenAlert(options);
      acting.requireRight('govern', 'alert add');
      if (given.via === 'url' && !allowPrivate) await checkPublic(addressOf(where));
      const id = randomUUID();
      const definition: AlertDefinition = { ...given, events: [...given.events], id, allow_private: allowPrivate };
      await read(); // a switch that is not there gets no secret
      // First what is secret, then the change that names it: an alert that the log has can be sent.
      await keeper().swap(NAMES.secret(id), null, JSON.stringify({ where, secret }));
      try {
        const command = { type: 'alert', name, definition, reason, reasonProblem } as const;
        return { ...answerTo(await acting.append(command)), secret };
      } catch (error) {
        if (isChangeRefusedError(error)) await forget(id).catch(() => {}); // nothing names it, so nobody reads it
        throw error;
      }
    },

    async removeAlert(options) {
      const { name, ...why } = givenAlertRemoval(options);
      const target = await targetOf(name);
      const answer = answerTo(await acting.append({ type: 'alert_remove', name, ...why }));
      await forget(target.id).catch(() => {}); // nothing names it any more, so nothing is sent there
      return answer;
    },

    async testAlert(given) {
      const name = named('name', given);
      acting.requireRight('govern', 'alert test');
      const target = await targetOf(name);
      const record = NAMES.secret(target.id);
      const secret = readRecord(secretSchema, record, (await keeper().read([record])).get(record));
      if (!secret)
        throw new KillSwitchError(
          'INVALID_STATE',
          `Where the alert ${JSON.stringify(name)} goes is gone from the store: remove it, and add it again.`,
        );
      const { time } = await connection.read([]);
      const text = 'This is a test: nothing has happened. Alerts arrive here.';
      const data = dataOf({ text, next: 'kill-switch alerts' }, organizationId);
      const alert: Alert = { id: `tst_${randomUUID()}`, type: 'test', at: time, data };
      return { id: alert.id, ...(await attempt(alert, target, secret, { signal: opened.closed })) };
    },
  };
}
