import { isPattern, printable } from '../../../flags/index.ts';
import type { ControlPlane } from '../../control-plane.ts';

/** All patterns that an action is in: `payments.refund` is in `payments.*`. */
const patternsOf = (action: string): string[] =>
  [...action.matchAll(/\./g)].map(({ index }) => `${action.slice(0, index)}.*`).filter(isPattern);

/** How many rows of a list are read at most. */
const MOST = 500;

const data = async <Row>(list: Promise<{ readonly data: readonly Row[] }>): Promise<readonly Row[]> =>
  (await list).data;

const agents = async (control: ControlPlane): Promise<string[]> =>
  (await data(control.agents({ limit: MOST }))).map(({ agent_id }) => agent_id);

const actions = async (control: ControlPlane): Promise<string[]> =>
  (await data(control.surfaces({ limit: MOST }))).map(({ action }) => action);

const runs = async (control: ControlPlane): Promise<string[]> =>
  (await data(control.runs({ limit: MOST }))).flatMap(({ run_id }) => run_id ?? []);

/** What can be restricted: whatever executors have reported, and what is killed already. */
async function targets(control: ControlPlane): Promise<string[]> {
  const [working, acting, kills] = await Promise.all([
    data(control.agents({ limit: MOST })),
    data(control.surfaces({ limit: MOST })),
    data(control.kills({ limit: MOST })),
  ]);
  const named = (type: string, names: readonly string[]): string[] => names.map((name) => `${type}:${name}`);
  return [
    ...working.flatMap(({ agent_id, missions, runs: open }) => [
      ...named('agent', [agent_id]),
      ...named('mission', missions),
      ...named('run', open),
    ]),
    ...acting.flatMap(({ action, feature, surface }) => [
      ...named('action', [action, ...patternsOf(action)]),
      ...named('feature', feature === null ? [] : [feature]),
      ...named('surface', [surface]),
    ]),
    ...kills.map(({ target }) => target),
  ];
}

/** What the store knows by name, a row each: from which list it is read. */
const NAMES = {
  target: targets,
  /** What `revive` can lift, also where only an executor has stopped it. */
  async killed(control) {
    const { kills, stops } = await control.status({ limit: MOST });
    return [...kills, ...stops].map(({ target }) => target);
  },
  async undoable(control) {
    const [ofRuns, ofAgents] = await Promise.all([runs(control), agents(control)]);
    return [...ofRuns, ...ofRuns.map((run) => `run:${run}`), ...ofAgents.map((agent) => `agent:${agent}`)];
  },
  async spender(control) {
    const budgets = await data(control.budgets({ limit: MOST }));
    return [...budgets.map(({ scope }) => scope), ...(await targets(control)).filter(isSpender)];
  },
  agent: agents,
  run: runs,
  mission: async (control) => (await data(control.agents({ limit: MOST }))).flatMap(({ missions }) => missions),
  async action(control) {
    const known = await actions(control);
    return [...known, ...known.flatMap(patternsOf)];
  },
  async feature(control) {
    const { features } = await control.status({ limit: 1 });
    const declared = await data(control.surfaces({ limit: MOST }));
    return [...Object.keys(features), ...declared.flatMap(({ feature }) => feature ?? [])];
  },
  surface: async (control) => (await data(control.surfaces({ limit: MOST }))).map(({ surface }) => surface),
  async limit(control) {
    const { limits } = await control.status({ limit: 1 });
    return [...Object.keys(limits), ...(await data(control.surfaces({ limit: MOST }))).flatMap((row) => row.limits)];
  },
  pending: async (control) => (await data(control.approvals({ status: 'pending', limit: MOST }))).map(({ id }) => id),
  /** What `approve` takes: calls and changes that wait for a person. */
  async agreeable(control) {
    const [calls, changes] = await Promise.all([
      data(control.approvals({ status: 'pending', limit: MOST })),
      data(control.requests({ limit: MOST })),
    ]);
    return [...calls, ...changes].map(({ id }) => id);
  },
  request: async (control) => (await data(control.requests({ limit: MOST }))).map(({ id }) => id),
  drill: async (control) => (await data(control.drills({ limit: MOST }))).map(({ id }) => id),
  alert: async (control) => (await data(control.alerts({ limit: MOST }))).map(({ name }) => name),
  approval: async (control) => (await data(control.approvals({ limit: MOST }))).map(({ id }) => id),
  standing: async (control) => (await data(control.standingApprovals({ limit: MOST }))).map(({ id }) => id),
  rule: async (control) => (await data(control.rules({ limit: MOST }))).map(({ name }) => name),
  budget: async (control) => (await data(control.budgets({ limit: MOST }))).map(({ scope }) => scope),
  tripwire: async (control) => (await data(control.tripwires({ limit: MOST }))).map(({ name }) => name),
  executor: async (control) => (await data(control.executors({ limit: MOST }))).flatMap(({ name, id }) => [name, id]),
} satisfies Readonly<Record<string, (control: ControlPlane) => Promise<readonly string[]>>>;

const isSpender = (target: string): boolean => /^(agent|mission|run|action):/.test(target);

/** `profile`: those of the file of profiles, which is not in the store. */
export type NameKind = keyof typeof NAMES | 'profile';

/** The names of a kind. @throws KillSwitchError */
export const namesOf = (kind: Exclude<NameKind, 'profile'>, control: ControlPlane): Promise<readonly string[]> =>
  NAMES[kind](control);

/** Those that can be typed and shown as they are, each once. */
export const typeable = (names: readonly string[]): string[] =>
  [...new Set(names)].filter((name) => name !== '' && printable(name) === name);
