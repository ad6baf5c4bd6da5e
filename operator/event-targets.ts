import type { EventType, LogEvent } from '../flags/index.ts';
import { isJsonObject } from '../flags/json-object.ts';

type Data = LogEvent['data'];

const ofId = (type: string, id: unknown): readonly string[] => (typeof id === 'string' ? [`${type}:${id}`] : []);

/** What a call stands for that people decide about. */
const ofCall = (call: unknown): readonly string[] =>
  isJsonObject(call)
    ? [
        ...ofId('action', call['action']),
        ...ofId('agent', call['agent_id']),
        ...ofId('mission', call['mission_id']),
        ...ofId('run', call['run_id']),
      ]
    : [];

/** A budget by its name: `agent:returns-bot`, `10m agent:returns-bot`. That of a day stops all. */
function ofBudget(name: unknown): readonly string[] {
  const scope = String(name).split(' ').at(-1) ?? '';
  if (scope === 'day') return ['all'];
  return /^(agent|mission|action):/.test(scope) ? [scope] : [];
}

/** A seconding is about what it seconds. */
function ofSeconded({ kind, name }: Data): readonly string[] {
  if (kind === 'kill') return [String(name)];
  if (kind === 'autonomy') return ofId('action', name);
  if (kind === 'feature') return ofId('feature', name);
  if (kind === 'budget') return ofBudget(name);
  return kind === 'mode' ? ['all'] : [];
}

/** What somebody asks for is about what the change itself would be about. */
const ofChange = (change: Data): readonly string[] => targetsOf({ type: String(change['type']), data: change });

/** Types of events that say what they are about otherwise than by a member `target`. */
const TARGETS: { readonly [T in EventType]?: (data: Data) => readonly string[] } = {
  mode: () => ['all'],
  second: ofSeconded,
  feature: ({ name }) => ofId('feature', name),
  autonomy: ({ action }) => ofId('action', action),
  budget: ({ name }) => ofBudget(name),
  approve: ({ request }) => ofCall(request),
  reject: ({ request }) => ofCall(request),
  escalate: ({ requests }) => (Array.isArray(requests) ? requests.flatMap((each: unknown) => ofCall(each)) : []),
  standing: (data) => ofCall(data),
  resolve: ({ run_id }) => ofId('run', run_id),
  request: ({ change }) => (isJsonObject(change) ? ofChange(change) : []),
  refused: ({ target }) => (target === 'mode' ? ['all'] : typeof target === 'string' ? [target] : []),
};

/**
 * The targets that an event is about: whose authority it has changed, or was to change. None for one that is about no
 * target, or names only something else that is (a rule that is renewed, a standing approval that is withdrawn).
 */
export function targetsOf({ type, data }: Pick<LogEvent, 'type' | 'data'>): readonly string[] {
  const own: Readonly<Record<string, ((data: Data) => readonly string[]) | undefined>> = TARGETS;
  if (Object.hasOwn(own, type)) return own[type]?.(data) ?? [];
  return typeof data['target'] === 'string' ? [data['target']] : [];
}
