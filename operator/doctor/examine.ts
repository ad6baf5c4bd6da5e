import { messageOf } from '../../flags/index.ts';
import type { ForksAnswer } from '../answers.ts';
import { validateFlagd } from '../flagd-validate.ts';
import { heldStops } from '../held-stops.ts';
import { judgeReports } from '../judge-reports.ts';
import { operatingNow } from '../operating-now.ts';
import type { OpenedSwitch } from '../opened-switch.ts';
import { RefusedError, refusalText } from '../refusals.ts';
import { undroppedUpTo } from '../undropped.ts';
import type { Examined, Read, ReadSwitch } from './finding.ts';

/** A definition of flagd, as text. */
export interface FlagdText {
  readonly file: string;
  readonly text: string;
}

/** Reads all that the checks judge. Never rejects: what cannot be read is said so, each part within its own time. */
export async function examine(opened: OpenedSwitch, flagd: readonly FlagdText[]): Promise<Examined> {
  const { connection } = opened;
  const whole = reading(async (): Promise<ReadSwitch> => {
    const askedAt = Date.now();
    const read = await opened.whole();
    return { ...read, askedAt, answeredAt: Date.now(), ownClock: opened.ownClock };
  });
  const [switched, heard, store] = await Promise.all([
    whole,
    reading(() => opened.hearing.hear()),
    reading(() => connection.inspect()),
  ]);
  const ofState = <T>(read: (state: ReadSwitch['state']) => Promise<T>): Promise<Read<T>> =>
    'value' in switched ? reading(() => read(switched.value.state)) : Promise.resolve(switched);
  const [forks, stops, undropped, operating] = await Promise.all([
    ofState(
      async (state): Promise<ForksAnswer> => judgeReports('value' in heard ? heard.value.beats : [], state, connection),
    ),
    ofState((state) => heldStops(connection, state)),
    ofState((state) => undroppedUpTo(state.get('archive'), connection.dropper)),
    'value' in switched ? reading(() => operatingNow(connection, switched.value.time)) : switched,
  ]);
  const definitions = flagd.map(({ file, text }) => ({ file, validation: validateFlagd(text) }));
  return { switch: switched, heard, forks, stops, operating, store, undropped, flagd: definitions };
}

const reading = <T>(read: () => Promise<T>): Promise<Read<T>> =>
  read().then(
    (value) => ({ value }),
    // In the words of the command, as what mends it is.
    (error: unknown) => ({
      problem: error instanceof RefusedError ? refusalText(error.refusal, 'command') : messageOf(error),
    }),
  );
