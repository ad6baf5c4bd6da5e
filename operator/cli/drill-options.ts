import { type Command, Option } from 'commander';
import { DRILL_KINDS, DRILL_WINDOW_MS, type DrillKind } from '../../flags/index.ts';
import type { DrillScopeOptions } from '../given/drill.ts';
import { durationOption, oneOf, parseTargetWord } from './arguments.ts';
import { formatDuration } from './duration.ts';

/** What was typed of a drill. */
export interface DrillTyped {
  readonly kind?: DrillKind;
  readonly target?: string;
  readonly recipient?: string;
}

export const parseKind = oneOf('a kind of drill', DRILL_KINDS);

/** How long executors have to obey. */
export function windowOption(): Option {
  const { byDefault } = DRILL_WINDOW_MS;
  return durationOption('window', 'how long executors have to obey', byDefault, formatDuration(byDefault));
}

/** Adds the options that say what is drilled. */
export const withDrillScope = (command: Command): Command =>
  withTarget(
    command.addOption(
      new Option('--kind <kind>', `one of ${DRILL_KINDS.join(', ')} (default: stop)`).argParser(parseKind),
    ),
  );

/** The same without the kind. */
export const withTarget = (command: Command): Command =>
  command
    .addOption(
      new Option('--target <target>', 'what is stopped (default: all, or what the drill does itself)').argParser(
        (text) => parseTargetWord(text, (target) => `kill-switch drill --target ${target}`),
      ),
    )
    .addOption(
      new Option(
        '--recipient <name>',
        'with exfiltration: to whom something is tried to be sent (default: nobody real)',
      ),
    );

export const scopeTyped = ({ kind, target, recipient }: DrillTyped): DrillScopeOptions => ({ kind, target, recipient });
