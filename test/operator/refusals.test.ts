import { describe, expect, test, vi } from 'vitest';
import { isKillSwitchError } from '../../flags/index.ts';
import {
  ChangePendingError,
  ChangeRefusedError,
  isChangePendingError,
  isChangeRefusedError,
  NotInitialisedError,
  type Refusal,
  refusalText,
} from '../../operator/refusals.ts';

const head = { generation: 'g', epoch: 7, hash: 'a'.repeat(64), recovered: false };

const place = { location: 'file:/srv/switch', organizationId: 'acme' };

type Said = readonly [code: string, program: string, command: string];

/** What somebody is told who calls the package in code, and what somebody who types commands. One row a kind. */
const SAID: { readonly [K in Refusal['kind']]: readonly [Extract<Refusal, { kind: K }>, ...Said] } = {
  role_required: [
    {
      ...{ kind: 'role_required', verb: 'revive', says: 'give authority back' },
      ...{ needed: ['restorer', 'admin'], has: ['operator'] },
    },
    'ROLE_REQUIRED',
    'revive is for whoever may give authority back: restorer, admin. You have the role operator. Somebody with such a role has to do it (openControlPlane: operator.roles).',
    'revive is for whoever may give authority back: restorer, admin. You have the role operator. Somebody with such a role has to do it.',
  ],
  restore_role: [
    { kind: 'restore_role', mode: 'live', needed: ['approver'], has: ['restorer'] },
    'ROLE_REQUIRED',
    'Governance leaves it to approver, admin to restore live. You have the role restorer. Somebody with such a role has to do it. See what is asked for: governance().',
    'Governance leaves it to approver, admin to restore live. You have the role restorer. Somebody with such a role has to do it. See what is asked for: kill-switch governance',
  ],
  ladder: [
    { kind: 'ladder', what: 'The base mode', from: 'full_stop', asked: 'live', step: 'read_only' },
    'STEP_REQUIRED',
    'The base mode goes back one step at a time, and from full_stop to live are several. The next step is read_only.',
    'The base mode goes back one step at a time, and from full_stop to live are several. The next step is read_only.',
  ],
  dwell: [
    { kind: 'dwell', entry: 'mode', since: '2026-01-01T00:00:00.000Z', until: '2026-01-01T00:10:00.000Z' },
    'DWELL_REQUIRED',
    'mode was made looser at 2026-01-01T00:00:00.000Z, and has to stand so until 2026-01-01T00:10:00.000Z before the next step.',
    'mode was made looser at 2026-01-01T00:00:00.000Z, and has to stand so until 2026-01-01T00:10:00.000Z before the next step.',
  ],
  second_person: [
    { kind: 'second_person', id: 'r-1', has: 'restricted' },
    'SECOND_PERSON_REQUIRED',
    'You took this authority away yourself, so another person than you has to agree to request r-1.',
    'You took this authority away yourself, so another person than you has to agree to request r-1.',
  ],
  no_request: [
    { kind: 'no_request', id: 'r-1' },
    'NOT_FOUND',
    'There is no open request "r-1": it was granted, withdrawn, has expired, or what it would change was changed since it was asked for. See what there is: requests().',
    'There is no open request "r-1": it was granted, withdrawn, has expired, or what it would change was changed since it was asked for. See what there is: kill-switch requests',
  ],
  alert_taken: [
    { kind: 'alert_taken', name: 'on-call' },
    'INVALID_STATE',
    'There is an alert "on-call" already, and it stays as it is. Remove it first (removeAlert), or give another name.',
    'There is an alert "on-call" already, and it stays as it is. Remove it first (kill-switch alert remove on-call --reason "…"), or give another name.',
  ],
  alerts_full: [
    { kind: 'alerts_full', most: 50 },
    'INVALID_STATE',
    'There are 50 alerts already, and no more are taken. Remove one (removeAlert).',
    'There are 50 alerts already, and no more are taken. Remove one (kill-switch alert remove NAME --reason "…").',
  ],
  no_alert: [
    { kind: 'no_alert', name: 'on-call' },
    'NOT_FOUND',
    'There is no alert "on-call". See what there is: alerts().',
    'There is no alert "on-call". See what there is: kill-switch alerts',
  ],
  requests_full: [
    { kind: 'requests_full', most: 100 },
    'INVALID_STATE',
    'As many requests as are taken (100) wait for another person already. Agree to one (approveRequest), or withdraw one (withdrawRequest).',
    'As many requests as are taken (100) wait for another person already. Agree to one (kill-switch approve ID), or withdraw one (kill-switch requests withdraw ID).',
  ],
  request_too_long: [
    { kind: 'request_too_long', size: 70_000, most: 65_536 },
    'INVALID_ARGUMENT',
    'This would have to wait for another person, and a request has at most 65536 characters of JSON, not 70000. Ask for it in parts.',
    'This would have to wait for another person, and a request has at most 65536 characters of JSON, not 70000. Ask for it in parts.',
  ],
  drill_required: [
    { kind: 'drill_required', drill_ms: 60_000, passed_at: null },
    'DRILL_REQUIRED',
    "Giving authority back takes a drill that was passed within the last 1 min, and none was passed yet. Run one that is passed: drill({ kind: 'stop' }).",
    'Giving authority back takes a drill that was passed within the last 1 min, and none was passed yet. Run one that is passed: kill-switch drill',
  ],
  drill_running: [
    { kind: 'drill_running', id: 'd-1', by: 'unverified:ann', until: '2026-01-01T00:10:00.000Z' },
    'INVALID_STATE',
    'The drill d-1 by unverified:ann is under way; it counts as abandoned at 2026-01-01T00:10:00.000Z unless it goes on. There is one drill at a time. Wait for it: drills().',
    'The drill d-1 by unverified:ann is under way; it counts as abandoned at 2026-01-01T00:10:00.000Z unless it goes on. There is one drill at a time. Wait for it: kill-switch drills',
  ],
  drill_stopped: [
    { kind: 'drill_stopped', target: 'agent:x' },
    'INVALID_STATE',
    "agent:x is stopped already, or is not this drill's to stop. A drill stops only what is not stopped, since it gives that back. Drill another target, or revive this one first.",
    `agent:x is stopped already, or is not this drill's to stop. A drill stops only what is not stopped, since it gives that back. Drill another target (--target), or give this one back first: kill-switch revive agent:x --reason "…"`,
  ],
  drill_over: [
    { kind: 'drill_over', id: 'd-1' },
    'INVALID_STATE',
    'The drill d-1 is over, or has said nothing for so long that it counts as abandoned. See: drills().',
    'The drill d-1 is over, or has said nothing for so long that it counts as abandoned. See: kill-switch drills',
  ],
  drill_touched: [
    { kind: 'drill_touched', target: 'agent:x', by: 'unverified:kim' },
    'CONFLICT',
    'agent:x was stopped, or changed, by unverified:kim since the drill had stopped it, so it stays. To lift it: revive({ target, reason: "…" }).',
    'agent:x was stopped, or changed, by unverified:kim since the drill had stopped it, so it stays. To lift it: kill-switch revive agent:x --reason "…"',
  ],
  drill_taken: [
    { kind: 'drill_taken', name: 'weekly', due: '2026-01-01T00:10:00.000Z' },
    'INVALID_STATE',
    'The drill "weekly" of 2026-01-01T00:10:00.000Z is run by another process, or was.',
    'The drill "weekly" of 2026-01-01T00:10:00.000Z is run by another process, or was.',
  ],
  no_drill: [
    { kind: 'no_drill', id: 'd-1' },
    'NOT_FOUND',
    'There is no drill "d-1" among the last ones. See what there is: drills().',
    'There is no drill "d-1" among the last ones. See what there is: kill-switch drills',
  ],
  no_schedule: [
    { kind: 'no_schedule', name: 'weekly' },
    'NOT_FOUND',
    'There is no schedule "weekly" of drills. See what there is: status().',
    'There is no schedule "weekly" of drills. See what there is: kill-switch drills',
  ],
  schedules_full: [
    { kind: 'schedules_full', most: 20 },
    'INVALID_STATE',
    'There are 20 schedules of drills, and no more are taken. Remove one: removeDrillSchedule(name).',
    'There are 20 schedules of drills, and no more are taken. Remove one: kill-switch drill schedule NAME off',
  ],
  break_glass_off: [
    { kind: 'break_glass_off' },
    'BREAK_GLASS_OFF',
    'Nobody may give authority back alone here: breaking the glass is off. Ask without breakGlass; another person then has to agree.',
    'Nobody may give authority back alone here: breaking the glass is off. Ask without --break-glass; another person then has to agree.',
  ],
  counted: [
    { kind: 'counted', wait_ms: 500 },
    'INVALID_STATE',
    'The same attempt was recorded a short time ago; it is only counted for another 500 ms.',
    'The same attempt was recorded a short time ago; it is only counted for another 500 ms.',
  ],
  not_stopped: [
    { kind: 'not_stopped', target: 'run:r' },
    'CONFLICT',
    'The stop of run:r was changed or lifted since the rollback was previewed. Nothing was undone. Preview it again (previewRollback), then ask again.',
    'The stop of run:r was changed or lifted since the rollback was previewed. Nothing was undone. Preview it again (--dry-run), then ask again.',
  ],
  no_rollback: [
    { kind: 'no_rollback', id: 'b-1' },
    'NOT_FOUND',
    'There is no rollback "b-1".',
    'There is no rollback "b-1".',
  ],
  not_initialised: [
    { kind: 'not_initialised', place },
    'NOT_INITIALISED',
    'There is no control plane of the organization "acme" in file:/srv/switch, so nothing was stopped or changed. If your agents use another store or organization, open that. To create a new one here: init(). If there was one here, it has been lost: recover({ reason: "…" }).',
    'There is no control plane of the organization "acme" in file:/srv/switch, so nothing was stopped or changed. If your agents use another store or organization, name it (--store, --profile, --organization). To create a new one here: kill-switch init. If there was one here, it has been lost: kill-switch recover --reason "…"',
  ],
  never_seen: [
    { kind: 'never_seen', place },
    'NOT_INITIALISED',
    'There is no control plane of the organization "acme" in file:/srv/switch, and nothing shows that there ever was one: no executor has reported one there, and this machine remembers none. Nothing was changed. If your agents use another store or organization, recover that; if they use this one, they report within seconds what they have seen. To create a new one here: init(). To replace one that was lost without a trace: recover({ create: true, reason: "…" }).',
    'There is no control plane of the organization "acme" in file:/srv/switch, and nothing shows that there ever was one: no executor has reported one there, and this machine remembers none. Nothing was changed. If your agents use another store or organization, recover that; if they use this one, they report within seconds what they have seen. To create a new one here: kill-switch init. To replace one that was lost without a trace: kill-switch recover --create --reason "…"',
  ],
  already_initialised: [
    { kind: 'already_initialised', epoch: 7, place },
    'ALREADY_INITIALISED',
    'There is a control plane of the organization "acme" in file:/srv/switch already, at epoch 7. Nothing was changed. It is used without init(), which is for the first time only. For another one, name another organization, or another place: fileControlStore({ directory }).',
    'There is a control plane of the organization "acme" in file:/srv/switch already, at epoch 7. Nothing was changed. It is used as it is: kill-switch status. For another one, name another place or organization (--store, --organization).',
  ],
  wiped: [
    { kind: 'wiped', place },
    'RECOVER_REQUIRED',
    'There is no control plane of the organization "acme" in file:/srv/switch, but executors had seen one there: it has been wiped or replaced. Accept that with recover({ reason: "…" }).',
    'There is no control plane of the organization "acme" in file:/srv/switch, but executors had seen one there: it has been wiped or replaced. Accept that with: kill-switch recover --reason "…"',
  ],
  not_a_name: [
    { kind: 'not_a_name', name: 'a\nb', of: 'a feature', problem: 'must not contain control characters' },
    'INVALID_ARGUMENT',
    '"a\\nb" is not the name of a feature: it must not contain control characters.',
    '"a\\nb" is not the name of a feature: it must not contain control characters.',
  ],
  not_a_target: [
    { kind: 'not_a_target', problem: '"bot" is no target.' },
    'INVALID_ARGUMENT',
    '"bot" is no target.',
    '"bot" is no target.',
  ],
  live_kill: [
    { kind: 'live_kill' },
    'INVALID_ARGUMENT',
    'A kill cannot leave a target live: to lift a kill, revive it.',
    'A kill cannot leave a target live: to lift a kill, revive it.',
  ],
  end_passed: [
    { kind: 'end_passed', end: '2026-01-01T00:00:00.000Z', now: '2026-01-02T00:00:00.000Z' },
    'INVALID_ARGUMENT',
    "The end 2026-01-01T00:00:00.000Z has already passed: the store's clock says 2026-01-02T00:00:00.000Z.",
    "The end 2026-01-01T00:00:00.000Z has already passed: the store's clock says 2026-01-02T00:00:00.000Z.",
  ],
  end_out_of_reach: [
    { kind: 'end_out_of_reach', lastsMs: -1 },
    'INVALID_ARGUMENT',
    'A kill lasts for more than 0 ms, and to the year 9999 at most, not for -1 ms.',
    'A kill lasts for more than 0 ms, and to the year 9999 at most, not for -1 ms.',
  ],
  not_killed: [
    { kind: 'not_killed', target: 'agent:x' },
    'NOT_KILLED',
    'There is no active kill of agent:x. See what is stopped: status().',
    'There is no active kill of agent:x. See what is stopped: kill-switch status',
  ],
  live_rule: [
    { kind: 'live_rule' },
    'INVALID_ARGUMENT',
    'A rule cannot leave its target live: it would restrict nothing.',
    'A rule cannot leave its target live: it would restrict nothing.',
  ],
  never_opens: [
    {
      kind: 'never_opens',
      from: '2026-01-01T00:00:00.000Z',
      until: '2026-01-02T00:00:00.000Z',
      now: '2026-01-03T00:00:00.000Z',
    },
    'INVALID_ARGUMENT',
    "The window until 2026-01-02T00:00:00.000Z would never be open: the store's clock says 2026-01-03T00:00:00.000Z.",
    "The window until 2026-01-02T00:00:00.000Z would never be open: the store's clock says 2026-01-03T00:00:00.000Z.",
  ],
  no_rule: [
    { kind: 'no_rule', name: 'r' },
    'NOT_FOUND',
    'There is no rule "r". See what there is: rules().',
    'There is no rule "r". See what there is: kill-switch rules',
  ],
  no_budget: [
    { kind: 'no_budget', name: 'agent:x --window day' },
    'NOT_FOUND',
    'There is no budget "agent:x --window day". See what there is: budgets().',
    'There is no budget "agent:x --window day". See what there is: kill-switch budgets',
  ],
  no_tripwire: [
    { kind: 'no_tripwire', name: 'loops' },
    'NOT_FOUND',
    'There is no tripwire "loops". See what there is: tripwires().',
    'There is no tripwire "loops". See what there is: kill-switch tripwires',
  ],
  not_due: [
    { kind: 'not_due', name: 'r' },
    'INVALID_STATE',
    'The rule "r" has no window that has to be compiled further ahead.',
    'The rule "r" has no window that has to be compiled further ahead.',
  ],
  reason_required: [
    { kind: 'reason_required' },
    'REASON_REQUIRED',
    'Giving authority back takes a reason. Add one: { reason: "…" }.',
    'Giving authority back takes a reason. Add one: --reason "…"',
  ],
  reason_unfit: [
    { kind: 'reason_unfit', problem: 'A reason is a text, not a list.' },
    'INVALID_ARGUMENT',
    'A reason is a text, not a list.',
    'A reason is a text, not a list.',
  ],
  epoch_ahead: [
    { kind: 'epoch_ahead', named: 99, head },
    'INVALID_ARGUMENT',
    'Epoch 99 has not been reached here: the log ends at epoch 7. It is mistyped, or was read in another switch, or this store has lost changes. Look again (status()), then decide.',
    'Epoch 99 has not been reached here: the log ends at epoch 7. It is mistyped, or was read in another switch, or this store has lost changes. Look again (kill-switch status), then decide.',
  ],
  changed_since: [
    { kind: 'changed_since', entry: 'kill:agent:x', changed: 9, named: 7 },
    'CONFLICT',
    'kill:agent:x was changed at epoch 9, after what you had read (epoch 7). Look again (status()), then decide.',
    'kill:agent:x was changed at epoch 9, after what you had read (epoch 7). Look again (kill-switch status), then decide.',
  ],
  evidence_required: [
    { kind: 'evidence_required', feature: 'f', stage: 'gated', missing: ['3 of 5 shadow runs', 'a b'] },
    'EVIDENCE_REQUIRED',
    'The feature "f" cannot become gated yet. There are: 3 of 5 shadow runs; a b. See what there is: evidence(name). To ask for less: setRequirement({ name, …, reason: "…" }).',
    'The feature "f" cannot become gated yet. There are: 3 of 5 shadow runs; a b. See what there is: kill-switch feature f --evidence. To ask for less: kill-switch feature f --require-runs N --reason "…"',
  ],
  not_a_definition: [
    { kind: 'not_a_definition', problem: 'This is no budget.' },
    'INVALID_ARGUMENT',
    'This is no budget.',
    'This is no budget.',
  ],
  stop_over: [
    { kind: 'stop_over', target: 'run:r-1' },
    'CONFLICT',
    'The stop of run:r-1 is in the log already, or a person has lifted it since.',
    'The stop of run:r-1 is in the log already, or a person has lifted it since.',
  ],
  log_full: [
    { kind: 'log_full', epoch: 2 ** 48 },
    'INVALID_STATE',
    'There is no number left in this log after 281474976710656, so it was not written by this package. Restore a backup, or wipe the store and then: recover({ reason: "…" }).',
    'There is no number left in this log after 281474976710656, so it was not written by this package. Restore a backup, or wipe the store and then: kill-switch recover --reason "…"',
  ],
  approval_missing: [
    { kind: 'approval_missing', id: 'r-1', standing: false },
    'NOT_FOUND',
    'There is no request for an approval "r-1". Each is named by its whole id. See what there is: approvals(), standingApprovals().',
    'There is no request for an approval "r-1". Each is named by its whole id. See what there is: kill-switch approvals, kill-switch approvals standing; changes that wait: kill-switch requests',
  ],
  approval_unfit: [
    { kind: 'approval_unfit', id: 'r-1', problem: 'several requests have this id' },
    'CONFLICT',
    'The request "r-1" cannot be decided: several requests have this id.',
    'The request "r-1" cannot be decided: several requests have this id.',
  ],
  approval_ended: [
    { kind: 'approval_ended', id: 'r-1', status: 'used', why: 'is used' },
    'APPROVAL_ENDED',
    'The request "r-1" is used, so nothing was decided. Whoever still needs it asks again.',
    'The request "r-1" is used, so nothing was decided. Whoever still needs it asks again.',
  ],
  other_arguments: [
    { kind: 'other_arguments', id: 'r-1', why: 'somebody else has approved it with other arguments' },
    'OTHER_ARGUMENTS',
    'The request "r-1" was not approved: somebody else has approved it with other arguments. Look again (approval(id)), then decide.',
    'The request "r-1" was not approved: somebody else has approved it with other arguments. Look again (kill-switch approvals show ID), then decide.',
  ],
  approval_too_long: [
    { kind: 'approval_too_long', end: '2027-01-01T00:00:00.000Z', longest: '2026-02-01T00:00:00.000Z' },
    'INVALID_ARGUMENT',
    'A standing approval lasts until 2026-02-01T00:00:00.000Z at most, not until 2027-01-01T00:00:00.000Z.',
    'A standing approval lasts until 2026-02-01T00:00:00.000Z at most, not until 2027-01-01T00:00:00.000Z.',
  ],
  self_approval: [
    { kind: 'self_approval', id: 'r-1', name: 'returns-bot' },
    'SELF_APPROVAL',
    '"returns-bot" has asked for "r-1", or runs what has asked for it, and cannot approve it. Somebody else has to.',
    '"returns-bot" has asked for "r-1", or runs what has asked for it, and cannot approve it. Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).',
  ],
  same_approver: [
    { kind: 'same_approver', id: 'r-1', name: 'dana', needed: 2 },
    'SAME_APPROVER',
    '"dana" has approved "r-1" already, and 2 different people have to. Somebody else has to.',
    '"dana" has approved "r-1" already, and 2 different people have to. Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).',
  ],
  keeps_whole: [
    { kind: 'keeps_whole' },
    'INVALID_STATE',
    'This store keeps its log whole, so nothing was archived: a file store and one in Redis drop what is archived. To have a copy: exportLog({ file }).',
    'This store keeps its log whole, so nothing was archived: a file store and one in Redis drop what is archived. To have a copy: kill-switch log export FILE',
  ],
  nothing_to_archive: [
    {
      kind: 'nothing_to_archive',
      pointsAre: 'an event whose number is a multiple of 1000',
      chosen: false,
      unfit: [
        { epoch: 900, why: 'executors have not come so far: mailer (at epoch 7)' },
        { epoch: 500, why: 'archived already' },
      ],
      forget: ['kill-switch executors forget x'],
    },
    'INVALID_STATE',
    'Nothing was archived. A log is archived up to an event whose number is a multiple of 1000. None of them fits: epoch 900 (executors have not come so far: mailer (at epoch 7)); epoch 500 (archived already). An executor that is gone for good is taken out of the count: kill-switch executors forget x',
    'Nothing was archived. A log is archived up to an event whose number is a multiple of 1000. None of them fits: epoch 900 (executors have not come so far: mailer (at epoch 7)); epoch 500 (archived already). An executor that is gone for good is taken out of the count: kill-switch executors forget x',
  ],
  archived_meanwhile: [
    { kind: 'archived_meanwhile', epoch: 900 },
    'CONFLICT',
    'Somebody else has archived this log meanwhile, up to epoch 900. This file was written, and nothing else was done. Archive more later: archiveLog().',
    'Somebody else has archived this log meanwhile, up to epoch 900. This file was written, and nothing else was done. Archive more later: kill-switch log archive FILE --reason "…"',
  ],
  alerts_wait: [
    { kind: 'alerts_wait', names: ['on-call'] },
    'INVALID_STATE',
    'Nothing was archived, because alerts of what is in the log still wait to be sent, or may: on-call. Send them (openControlPlane({ operate: true, alerts: true })), or removeAlert().',
    'Nothing was archived, because alerts of what is in the log still wait to be sent, or may: on-call. Send them (kill-switch watch --alerts), or remove who is told: kill-switch alert remove NAME',
  ],
  forked: [
    { kind: 'forked', executors: ['mailer'] },
    'INVALID_STATE',
    'Nothing was dropped, because executors have seen changes that this store has lost: mailer. What is left of the log may be needed to tell which. Look: status().',
    'Nothing was dropped, because executors have seen changes that this store has lost: mailer. What is left of the log may be needed to tell which. Look: kill-switch status',
  ],
  archive_needed: [
    { kind: 'archive_needed', file: 'a.jsonl', epoch: 900 },
    'ARCHIVED',
    'The events before epoch 900 are archived, and no longer in this log. a.jsonl does not have all of them. Nothing was written. Name the file that archiveLog() has written, or a copy of it: it is extended.',
    'The events before epoch 900 are archived, and no longer in this log. a.jsonl does not have all of them. Nothing was written. Name the file that log archive has written, or a copy of it: it is extended.',
  ],
  state_differs: [
    { kind: 'state_differs', epoch: 900 },
    'CORRUPT',
    'The events up to epoch 900 come to another state than the one that is kept. They were written to the file, and nothing was dropped. Look: verifyLog().',
    'The events up to epoch 900 come to another state than the one that is kept. They were written to the file, and nothing was dropped. Look: kill-switch log verify',
  ],
  file_changed: [
    { kind: 'file_changed', file: 'a.jsonl' },
    'INVALID_STATE',
    'a.jsonl was changed since it was written, so nothing was dropped: the whole log is still there. Remove it, and archive again: archiveLog().',
    'a.jsonl was changed since it was written, so nothing was dropped: the whole log is still there. Remove it, and archive again: kill-switch log archive FILE --reason "…"',
  ],
  not_planned: [
    { kind: 'not_planned', command: 'kill', problem: 'it cannot be read' },
    'INVALID_ARGUMENT',
    'The kill could not be planned, and nothing was changed: it cannot be read',
    'The kill could not be planned, and nothing was changed: it cannot be read',
  ],
};

describe('a refusal', () => {
  test.each(Object.entries(SAID))(
    'says what happened, and how to mend it: %s',
    (_kind, [refusal, code, program, command]) => {
      const error = new ChangeRefusedError(refusal);
      expect(error).toMatchObject({ name: 'ChangeRefusedError', code, message: program, refusal });
      expect(String(error)).toBe(`ChangeRefusedError: ${program}`);
      expect(isKillSwitchError(error)).toBe(true);
      expect(refusalText(refusal, 'command')).toBe(command);
    },
  );

  test('without a place says “in this store”', () => {
    expect(refusalText({ kind: 'not_initialised', place: null }, 'program')).toContain(
      'There is no control plane in this store, so nothing was stopped or changed.',
    );
    expect(refusalText({ kind: 'epoch_ahead', named: 1, head: null }, 'program')).toContain('the log ends at epoch 0');
  });
});

describe('the errors of changes', () => {
  const refused = new ChangeRefusedError({ kind: 'reason_required' });
  const pending = new ChangePendingError({ id: 'r1', expires_at: '2026-01-01T00:00:00.000Z' });
  const unread = new NotInitialisedError({ location: 'file:/srv/switch', organizationId: 'acme' });

  test('are told apart by their guards, and from what is thrown where nothing can be read', () => {
    const others = [new Error('x'), null, { refusal: {} }];
    const all = [refused, pending, unread, ...others];
    expect(all.map(isChangeRefusedError)).toEqual([true, false, false, false, false, false]);
    expect(all.map(isChangePendingError)).toEqual([false, true, false, false, false, false]);
    expect(all.map(isKillSwitchError)).toEqual([true, true, true, false, false, false]);
  });

  test('are known also where another copy of the package has made them', async () => {
    vi.resetModules();
    const another = await import('../../operator/refusals.ts');
    expect(another.ChangeRefusedError).not.toBe(ChangeRefusedError);
    expect(another.isChangeRefusedError(refused)).toBe(true);
    expect(another.isChangePendingError(pending)).toBe(true);
  });

  test('are known by marks that no version may rename, since another one looks for them', () => {
    expect(Object.hasOwn(refused, Symbol.for('openfeature-kill-switch.change-refused'))).toBe(true);
    expect(Object.hasOwn(pending, Symbol.for('openfeature-kill-switch.change-pending'))).toBe(true);
  });

  test('say what a change waits for, until when, and by which request it is found again', () => {
    expect(pending.message).toBe(
      'This waits for another person to agree, until 2026-01-01T00:00:00.000Z. Somebody else asks for the same, or agrees to request r1: kill-switch approve r1',
    );
  });

  test('bear their own names', () => {
    expect([refused, pending, unread].map(({ name, code }) => `${name} ${code}`)).toEqual([
      'ChangeRefusedError REASON_REQUIRED',
      'ChangePendingError PENDING',
      'NotInitialisedError NOT_INITIALISED',
    ]);
  });
});
