import { Option } from 'commander';
import { printable } from '../../../flags/index.ts';
import type { Finding } from '../../doctor/answer.ts';
import { EXIT, type Verb } from '../command.ts';
import { count } from '../output.ts';
import { readText } from '../read-definition.ts';
import { alarming } from '../standing-out.ts';
import type { Line } from '../text.ts';

export const verb: Verb = (command, perform) => {
  command
    .addOption(
      new Option('--flagd <file>', 'also check this definition of flagd; may be given several times').argParser(
        (file, before: readonly string[] | undefined) => [...(before ?? []), file],
      ),
    )
    .action(
      perform(async (context, { flagd = [] }: { readonly flagd?: readonly string[] }) => {
        const texts = await Promise.all(flagd.map(async (file) => ({ file, text: await readText(file) })));
        const value = await (await context.control()).doctor({ flagd: texts });
        const { safe, findings } = value;
        const bad = findings.filter(({ level }) => level === 'unsafe').length;
        return {
          value,
          text: [
            ...findings.flatMap((finding) => linesOf(finding, context.advice)),
            '',
            safe ? 'Nothing unsafe was found.' : alarming(`${count(bad, 'finding')} unsafe.`),
          ],
          exitCode: safe ? EXIT.done : EXIT.failed,
        };
      }),
    );
};

function linesOf({ check, level, says, mend }: Finding, advice: (sentence: string) => string): Line[] {
  const line = `${level.padEnd(8)} ${check}: ${printable(says)}`;
  return [
    level === 'unsafe' ? alarming(line) : line,
    ...(mend === null ? [] : [`         → ${printable(advice(mend))}`]),
  ];
}
