import { Option } from 'commander';
import {
  ALERT_EVENTS,
  ALERT_FORMATS,
  type AlertFormat,
  type AlertKind,
  shellWord,
  shownId,
} from '../../../flags/index.ts';
import { givenEvents } from '../../given/alert.ts';
import { nameArgument, oneOf, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';

interface Typed {
  readonly to?: string;
  readonly exec?: string;
  readonly events?: readonly AlertKind[];
  readonly format?: AlertFormat;
  readonly secret?: string;
  readonly allowPrivate?: true;
  readonly reason?: string;
}

const parseEvents = (text: string): readonly AlertKind[] => givenEvents(text.split(',').map((word) => word.trim()));

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'a name of your choice for whom it tells'))
    .addOption(new Option('--to <url>', 'an https:// or http:// address; what of it is secret never stands in the log'))
    .addOption(
      new Option('--exec <command>', 'in its place a command, which /bin/sh runs with the alert as JSON on its stdin'),
    )
    .addOption(
      new Option('--events <list>', `of what it tells: ${ALERT_EVENTS.join(',')} (default: all)`).argParser(
        parseEvents,
      ),
    )
    .addOption(
      new Option('--format <format>', 'webhook (Standard Webhooks), slack or teams (default: webhook)').argParser(
        oneOf('a format of alerts', ALERT_FORMATS),
      ),
    )
    .addOption(new Option('--secret <secret>', 'the key of the signature, whsec_… (default: a new one)'))
    .addOption(new Option('--allow-private', 'also to an address of a private network, or of this machine'))
    .addOption(reasonOption())
    .action(
      perform(async (context, name: string, typed: Typed) => {
        const { secret, ...answer } = await (await context.control()).addAlert({ name, ...typed });
        const given = typed.secret === undefined ? secret : null;
        return {
          value: { alert: name, ...answer, ...(given !== null && { secret: given }) },
          text: [
            `Added: the alert ${shownId(name)}, at epoch ${answer.epoch}.`,
            ...(given === null ? [] : [`Its secret, which is shown here only: ${given}`]),
            `Try it: ${context.advice(`kill-switch alert test ${shellWord(name)}`)}`,
            `Alerts are sent while this runs: ${context.advice('kill-switch watch --alerts')}`,
          ],
          recorded: `The alert ${shownId(name)} is recorded, at epoch ${answer.epoch}.`,
        };
      }),
    );
};
