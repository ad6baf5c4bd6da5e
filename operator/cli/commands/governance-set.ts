import { Option } from 'commander';
import {
  invalid,
  isMode,
  termsOf,
  type Mode,
  MODES,
  quoteId,
  type Role,
  ROLES,
  SECOND_PERSONS,
} from '../../../flags/index.ts';
import { isRole } from '../../../flags/roles.ts';
import type { GovernanceOptions } from '../../given/governance.ts';
import { epochOption, oneOf, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { governanceLines } from '../governance-words.ts';

type Roles = NonNullable<GovernanceOptions['restoreRoles']>;

interface Options extends Pick<GovernanceOptions, 'reason' | 'epoch' | 'secondPerson'> {
  readonly ladder?: 'on' | 'off';
  readonly dwell?: number;
  readonly drill?: number;
  readonly breakGlass?: 'on' | 'off';
  readonly pendingExpires?: number;
  readonly restoreRoles?: Roles;
}

const onOff = (flag: string, help: string): Option =>
  new Option(`--${flag} <on|off>`, help).argParser(oneOf(`--${flag}`, ['on', 'off']));

const duration = (flag: string, help: string): Option =>
  new Option(`--${flag} <duration>`, help).argParser((text) => (text === 'off' ? 0 : parseDuration(text)));

const isOn = (given: 'on' | 'off' | undefined): boolean | undefined =>
  given === undefined ? undefined : given === 'on';

export const verb: Verb = (command, perform) => {
  command
    .addOption(
      new Option(
        '--second-person <who>',
        'who else has to agree: off; asker, another than who asks; killer, also another than who has restricted it',
      ).argParser(oneOf('a second person', SECOND_PERSONS)),
    )
    .addOption(onOff('ladder', 'whether authority goes back one step at a time'))
    .addOption(duration('dwell', 'how long each step has to stand before the next, such as 10m'))
    .addOption(duration('drill', 'how old the last passed drill may be, such as 7d; off: none is asked for'))
    .addOption(onOff('break-glass', 'whether in an emergency one person may do without the others and the steps'))
    .addOption(duration('pending-expires', 'how long a request waits for another person, such as 1h'))
    .addOption(
      new Option(
        '--restore-roles <mode=role,…>',
        'who may restore a mode, such as live=restorer; repeat it for several modes; off: whoever may give authority back',
      ).argParser(parseRoles),
    )
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform(async (context, { ladder, dwell, drill, breakGlass, pendingExpires, ...given }: Options) => {
        const control = await context.control();
        const answer = await control.setGovernance({
          ...given,
          ladder: isOn(ladder),
          dwellMs: dwell,
          drillMs: drill === 0 ? null : drill,
          breakGlass: isOn(breakGlass),
          pendingExpiresMs: pendingExpires,
        });
        const governance = termsOf(await control.governance());
        return {
          value: { ...governance, ...answer },
          text: [
            `Governance is ${answer.already ? 'so already' : 'set'}, at epoch ${answer.epoch}:`,
            ...governanceLines(governance),
          ],
          recorded: `Governance is recorded, at epoch ${answer.epoch}.`,
        };
      }),
    );
};

/** `live=restorer,admin`; also several of them in one text, behind a semicolon. */
function parseRoles(text: string, before: Roles = {}): Roles {
  if (text === 'off') return {};
  const roles: { -readonly [M in Mode]?: readonly Role[] } = { ...before };
  for (const part of text.split(';')) {
    const [mode = '', named = '', ...more] = part.trim().split('=');
    const list = named.split(',').map((role) => role.trim());
    if (!isMode(mode) || more.length > 0 || !list.every(isRole))
      throw invalid(
        `--restore-roles takes MODE=ROLE,…, such as live=restorer, not ${quoteId(part)}. Modes: ${MODES.join(', ')}. Roles: ${ROLES.join(', ')}.`,
      );
    roles[mode] = list;
  }
  return roles;
}
