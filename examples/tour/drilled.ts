import { type Cast, must, SOON_MS, watch } from './stage.ts';

/** The button is pressed on purpose, and it is measured. */
export async function drill(cast: Cast): Promise<void> {
  const { screen, control } = cast;
  screen.title('13. A drill: the stop is pressed on purpose, and measured');
  screen.command('kill-switch drill --yes');
  const { id, state, executors, canary, findings, restored_ms } = await control.drill();
  must(state === 'passed', `the drill is passed (${findings.join(' ')})`);
  must(
    executors.length === 2 && executors.every(({ late_starts }) => late_starts === 0),
    'nothing has started in either agent after it had acknowledged',
  );
  screen.table([
    ['executor', 'acknowledged', 'at rest', 'started after that'],
    ...executors.map(({ name, acknowledged_ms, drained_ms, late_starts }) => [
      name,
      `${acknowledged_ms} ms`,
      `${drained_ms} ms`,
      String(late_starts),
    ]),
  ]);
  screen.say(`What the drill did itself: ${canary?.landed} effects, ${canary?.reversed} of them undone.`);
  const left = (await control.kills()).data.filter(({ reason }) => reason === `drill ${id}`);
  must(left.length === 0, 'the drill has given back all that it had stopped');
  screen.say(`Given back after ${restored_ms} ms.`);
  const before = await cast.shop.count();
  const now = await watch(cast, SOON_MS, ({ mails }) => mails >= before.mails + 5);
  must(now.mails >= before.mails + 5, 'order-mailer works again');
  screen.say(`order-mailer works again: ${now.mails - before.mails} more mails.`);
}
