import { shownId } from '../../../flags/index.ts';
import { nameArgument } from '../arguments.ts';
import { EXIT, type Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command.addArgument(nameArgument('name', 'the name of an alert')).action(
    perform(async (context, name: string) => {
      const answer = await (await context.control()).testAlert(name);
      const how = answer.delivered ? 'Delivered' : 'Not delivered';
      return {
        value: { alert: name, ...answer },
        text: `${how}: a test to ${shownId(name)}; ${answer.says}.`,
        exitCode: answer.delivered ? EXIT.done : EXIT.failed,
      };
    }),
  );
};
