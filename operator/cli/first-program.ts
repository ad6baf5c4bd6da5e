import { quotedText } from './output.ts';
import type { Store } from './store-url.ts';

/**
 * The first lines of a program whose agent the switch can stop, as README.md shows them. It ends on a signal as it
 * should: one that does not leave the count of executors is waited for by later kills.
 */
export function firstProgram({ code: [driver, store] }: Pick<Store, 'code'>, organizationId: string): string[] {
  return [
    "import { createKillSwitch } from 'openfeature-kill-switch';",
    driver,
    '',
    'const killSwitch = await createKillSwitch({',
    `  store: ${store},`,
    ...(organizationId === 'default' ? [] : [`  organizationId: ${quotedText(organizationId)},`]),
    "  agentId: 'returns-bot', // whom `kill-switch kill agent:returns-bot` stops",
    "  executor: { name: 'returns-bot' }, // this process, as operators see it",
    '});',
    "process.once('SIGTERM', () => killSwitch.close().finally(() => process.exit(143)));",
    "process.once('SIGINT', () => killSwitch.close().finally(() => process.exit(130)));",
  ];
}
