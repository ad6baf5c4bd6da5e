import { runAgent } from './agent.ts';
import { confirmation, type Mail, OWNER } from './shop.ts';

// Confirms every order by mail. A mail cannot be called back, so the store is asked once more right before each.
runAgent('order-mailer', (killSwitch, shop) => {
  const readOrder = killSwitch.action({
    name: 'orders.read',
    effect: 'read',
    execute: (number: number) => shop.order(number),
  });
  const sendMail = killSwitch.action({
    name: 'email.send',
    irreversible: true,
    execute: (mail: Mail) => shop.deliver(mail),
    redirect: (mail) => ({ ...mail, to: OWNER }),
    draft: (mail) => mail,
  });
  return {
    work: async (turn) => sendMail(confirmation(await readOrder(turn))),
    isDone: async (turn) => (await shop.inbox()).some(({ order }) => order === turn),
    around: (turn) => shop.deliver(confirmation(shop.order(turn))),
  };
});
