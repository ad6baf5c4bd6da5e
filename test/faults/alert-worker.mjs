// A process that sends alerts until it is killed, at a pace at which a test need not wait.
import { ALERT_PACE } from '../../dist/operator/alerts/pace.js';
import { OpenedSwitch } from '../../dist/operator/opened-switch.js';
import { fileControlStore } from '../../dist/store/file/control.js';
import { redisControlStore } from '../../dist/store/redis/control.js';

const { url } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:')
  ? fileControlStore({ directory: url.slice('file:'.length) })
  : redisControlStore({ url });
await store.loadPackages?.();

const organizationId = 'default';
const opened = new OpenedSwitch({
  connection: store.open({ organizationId, requestTimeoutMs: 5000 }),
  place: { location: store.location, organizationId },
  retryMs: 5000,
  ownClock: store.ownClock,
  operate: {
    ownClock: store.ownClock,
    clock: () => ({ mono: performance.now(), wall: Date.now() }),
    onTrouble: (problem) => console.error(problem),
    alerts: { ...ALERT_PACE, lookMs: 10, leaseMs: 400, waitAfter: () => 20 },
  },
});
process.once('disconnect', () => void opened.close());
