// A process that sends alerts until it is killed, at a pace at which a test need not wait.
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';
import { redisControlStore } from 'openfeature-kill-switch/store/redis/control';

/** What of the built package has no entry point. */
const inside = (/** @type {string} */ file) => import(new URL(`../../dist/operator/${file}.js`, import.meta.url).href);
const { ALERT_PACE } = await inside('alerts/pace');
const { OpenedSwitch } = await inside('opened-switch');

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
    onTrouble: (/** @type {string} */ problem) => console.error(problem),
    alerts: { ...ALERT_PACE, lookMs: 10, leaseMs: 400, waitAfter: () => 20 },
  },
});
process.once('disconnect', () => void opened.close());
