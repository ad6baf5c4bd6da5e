import { restrictsNobody, shellWord } from '../../flags/index.ts';
import type { Context } from './command.ts';
import { quoted } from './output.ts';

/** Notes the kills that restrict nobody: another version has recorded targets with a `*` that has no meaning. */
export function noteIdleKills(context: Context, kills: readonly { readonly target: string }[]): void {
  for (const { target } of kills) {
    if (!target.includes('*') || !restrictsNobody(target)) continue;
    context.note(
      `The kill of ${quoted(target)} stops nothing: its * has no meaning there. Kill what was meant, then: kill-switch revive ${shellWord(target)} --reason "…"`,
    );
  }
}
