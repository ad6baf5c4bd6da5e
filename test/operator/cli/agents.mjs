// Agents in a process of their own: each opens a run, says so, and acts over and over until it is stopped. node
// agents.mjs '{"redis":"redis://…"}' or '{"directory":"…"}' with "name", "leaseMs" and "agents": [{ "id", "mission",
// "action", "feature", "ms" (how long an action takes), "heeds": "signal", "nothing" (reads its signal and goes on),
// "blind", or "idle" (never calls its action) }].
// A first SIGTERM closes the switch, as the documentation says.
import { setTimeout as sleep } from 'node:timers/promises';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { redis, directory, name, leaseMs, agents } = JSON.parse(process.argv[2] ?? '');
const killSwitch = await createKillSwitch({
  store: redis ? redisStore({ url: redis }) : fileStore({ directory }),
  leaseMs,
  executor: { name },
});
process.once('SIGTERM', () => void killSwitch.close().finally(() => process.exit(143)));
/** @param {object} what */
const say = (what) => console.log(JSON.stringify(what));

/** @typedef {{ signal: AbortSignal }} Context */
/** @type {Record<string, (ms: number, context: Context) => unknown>} */
const WORK = {
  signal: (ms, { signal }) => sleep(ms, undefined, { signal }),
  nothing: (ms, { signal }) => signal.aborted || sleep(ms),
  blind: (ms) => sleep(ms),
};
const actions = new Map();
for (const { action, feature, ms, heeds } of agents) {
  if (actions.has(action)) continue;
  actions.set(
    action,
    killSwitch.action({ name: action, feature, execute: (_, context) => WORK[heeds]?.(ms, context) }),
  );
}
await Promise.all(
  agents.map(
    (/** @type {{ id: string, mission?: string, action: string, heeds: string }} */ { id, mission, action, heeds }) =>
      killSwitch.run({ agentId: id, missionId: mission, runId: `run-of-${id}` }, async () => {
        for (;;) {
          say({ agent: id, is: 'starting' });
          if (heeds === 'idle') return sleep(600_000);
          const { status } = await actions.get(action).attempt(undefined);
          say({ agent: id, is: status });
          await sleep(20);
        }
      }),
  ),
);
