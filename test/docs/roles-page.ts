import { ROLES, type Role } from '../../flags/index.ts';
import { RIGHTS, type Right, TAKES } from '../../operator/roles.ts';

const cell = (role: Role, right: Right): string => {
  const { roles, own } = RIGHTS[right];
  return roles.includes(role) ? 'yes' : own.includes(role) ? 'its own agents' : '–';
};

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Commands that take the same are one row. */
function table(): string {
  const groups = new Map<string, { readonly tightens: Right; readonly loosens: Right; readonly verbs: Set<string> }>();
  for (const { verb, tightens, loosens } of Object.values(TAKES)) {
    if (verb === '') continue;
    const key = `${tightens} ${loosens}`;
    const group = groups.get(key) ?? { tightens, loosens, verbs: new Set<string>() };
    groups.set(key, group);
    for (const each of verb.split(', ')) group.verbs.add(`\`${each}\``);
  }
  const rows = [...groups.values()].flatMap(({ tightens, loosens, verbs }) => {
    const line = (what: string, right: Right): string => row([what, ...ROLES.map((role) => cell(role, right))]);
    const names = [...verbs].join(', ');
    if (tightens === loosens) return [line(names, tightens)];
    return [line(`stricter: ${names}`, tightens), line(`looser: ${names}`, loosens)];
  });
  return [row(['', ...ROLES]), row(['---', ...ROLES.map(() => '---')]), ...rows].join('\n');
}

/** docs/roles.md, made of the table of roles that the control plane reads. */
export const rolesPage = (): string => `# Who may do what

Made of the table that the control plane reads (\`operator/roles.ts\`); \`npx vitest run test/docs/roles.test.ts -u\` writes it anew.

${table()}

Reading takes no role: lists, \`status\`, \`watch\`, \`log verify\`, \`check\` and \`explain\` are for everybody who can read the store. \`executors forget\` takes what a stop takes. What only the switch itself does (to end a kill whose time is over, to copy what an executor has stopped) is no role's.

- **viewer** reads. **executor** is what an agent's process holds: it reads, reports, asks people, and stops the agents that it acts for; with this package it does so through its store, and needs no role.
- **operator** stops and restricts, in one step, with no reason and nobody else. So may everybody below: nobody who may give authority back is kept from taking it away.
- **approver** decides what agents ask for. **restorer** gives authority back, as far as [governance](governance.md) lets it. **admin** does all of this, and sets governance.
- Several roles add up.

## Who you are, and what proves it

In code an operator names its roles: \`openControlPlane({ store, operator: { id: 'dana', roles: ['operator'] } })\`. They are kept to, and a change that they do not allow is refused with \`ROLE_REQUIRED\`; the log has the attempt.
Nothing proves them: whoever can write the store could name any roles, or none. So an operator without roles counts as **admin**, and stands in the log as \`unverified:dana\`. What a person may do to a store at most is a matter of the store: the owner and mode of its folder, or the user of Redis ([redis.md](redis.md#users)).
\`executor\` with \`agents: ['mailer']\` stops \`agent:mailer\`; without \`agents\`, the agent of its own name.
`;
