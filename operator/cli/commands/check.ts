import { EXIT, type Verb } from '../command.ts';
import { noteWhoIsMissing, type QuestionOptions, questionOf, withQuestion } from '../question.ts';

export const verb: Verb = (command, perform) => {
  withQuestion(command).action(
    perform(async (context, options: QuestionOptions) => {
      const value = await (await context.control()).check(questionOf(options));
      noteWhoIsMissing(context, options);
      return { value, text: value.message, exitCode: value.verdict === 'allow' ? EXIT.done : EXIT.failed };
    }),
  );
};
