import type { Intervention } from '../../flags/index.ts';

/** The record of a refused `email.send`, of no agent and no run. */
export const plainIntervention = (id: string): Intervention => ({
  id,
  at: '2026-01-01T00:00:00.000Z',
  executor_id: 'e-1',
  executor_name: 'mailer',
  type: 'HARD_BLOCK',
  outcome: 'BLOCKED',
  verdict: 'block',
  status: 'blocked',
  state: 'refused',
  action: 'email.send',
  effect: 'write',
  surface: 'tool',
  agent_id: null,
  run_id: null,
  mission_id: null,
  mode: 'full_stop',
  epoch: 7,
  cause: { kind: 'mode' },
  input: null,
  proposal: false,
});
