import { runAgent } from './agent.ts';
import type { Mail, Order } from './shop.ts';

const confirmation = ({ number, customer, sku, quantity }: Order): Mail => ({
  to: `${customer}@customers.example`,
  subject: `Order ${number} confirmed`,
  body: `Dear ${customer},\n\nwe have packed ${quantity} × ${sku} for you.`,
});

// Confirms every order by mail. A mail cannot be called back, so the store is asked once more right before each.
runAgent('order-mailer', (killSwitch, shop) => {
  const readOrder = killSwitch.action({
    name: 'orders.read',
    effect: 'read',
    execute: (number: number) => shop.order(number),
  });
  const confirmOrder = killSwitch.action({
    name: 'email.send',
    irreversible: true,
    execute: (order: Order) => shop.deliver(confirmation(order)),
    draft: confirmation,
  });
  return {
    work: async (turn) => confirmOrder(await readOrder(turn)),
    isDone: async (turn) => (await shop.mailedOrders()).includes(turn),
    around: (turn) => shop.deliver(confirmation(shop.order(turn))),
  };
});
