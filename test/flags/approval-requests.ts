import { type AskedApproval, type BoundRequest, boundBy, type KeptApproval } from '../../flags/index.ts';

export const REQUESTED_AT = Date.UTC(2026, 0, 1);

/** What an executor asks for, as a guard would. */
export const askedApproval = (more: Partial<AskedApproval> = {}): AskedApproval => ({
  id: 'r-1',
  action: 'payments.refund',
  input_hash: 'a'.repeat(64),
  agent_id: 'returns-bot',
  run_id: 'run-7',
  mission_id: null,
  requested_by: 'returns',
  generation: 'g',
  epoch: 1,
  head_hash: 'b'.repeat(64),
  approvals_needed: 1,
  input: '{"cents":500}',
  input_length: 13,
  description: 'Refund 5 USD',
  lineage_agents: [],
  lineage_missions: [],
  lineage_runs: [],
  surface: 'tool',
  feature: null,
  limits: [],
  cost_usd: null,
  reversible: false,
  expires_ms: 3_600_000,
  escalate_ms: null,
  ...more,
});

export const keptApproval = (more: Partial<KeptApproval> = {}): KeptApproval => ({
  ...askedApproval(more),
  at_ms: REQUESTED_AT,
  ...more,
});

export const boundRequest = (more: Partial<KeptApproval> = {}): BoundRequest => boundBy(keptApproval(more));
