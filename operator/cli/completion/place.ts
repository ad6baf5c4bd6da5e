import { Command, type Option } from 'commander';
import { globalOptions } from '../global-options.ts';
import { GROUPS, VERBS, type VerbRow } from '../verbs.ts';
import { argumentChoices, type Choices, optionChoices } from './choices.ts';

/** What a word may be that is typed: with what a description of each, where there is one. */
export interface Place {
  readonly choices: Choices;
  /** Verbs and options, and what they do. */
  readonly described: readonly (readonly [word: string, does: string])[];
  /** What of the word stands before what is chosen: `--agent=`. */
  readonly before: string;
  /** The options of every verb that were typed before, with their values. */
  readonly typed: Readonly<Record<string, string>>;
}

/** Where a word stands behind others, on the command line of the command. */
export async function placeOf(words: readonly string[], current: string): Promise<Place> {
  const reading = new Reading();
  for (const word of words) await reading.take(word);
  const { typed, awaited } = reading;
  const nothing: Place = { choices: {}, described: [], before: '', typed };
  if (awaited) return { ...nothing, choices: optionChoices(reading.verb, awaited) };
  if (reading.isEnded || !current.startsWith('-'))
    return { ...nothing, choices: reading.argument(), described: reading.verbs() };
  const [, before, option] = /^((--[^=]+)=)/.exec(current) ?? [];
  if (option === undefined || before === undefined) return { ...nothing, described: reading.options() };
  return { ...nothing, choices: optionChoices(reading.verb, option), before };
}

/** What was typed so far of a command line: only its options and its verb are known, not whether they are right. */
class Reading {
  /** The name of the verb, '' before it. */
  verb = '';
  /** Behind `--`: all that follows are arguments. */
  isEnded = false;
  /** The option whose value comes next. */
  awaited: string | null = null;
  readonly typed: Record<string, string> = {};
  #command = new Command();
  #arguments = 0;
  /** An option that was given is not suggested again. */
  readonly #used = new Set<string>();
  readonly #globals = globalOptions();

  async take(word: string): Promise<void> {
    if (this.awaited !== null) {
      this.typed[this.awaited] = word;
      this.awaited = null;
    } else if (this.isEnded || !/^-./.test(word)) await this.#takeArgument(word);
    else if (word === '--') this.isEnded = true;
    else this.#takeOption(word);
  }

  #takeOption(word: string): void {
    const [name = '', value] = word.split(/=(.*)/s);
    const option = this.#all().find(({ long, short }) => long === name || short === name);
    const long = option?.long ?? name;
    this.#used.add(long);
    if (value !== undefined) this.typed[long] = value;
    else if (option?.required === true) this.awaited = long;
  }

  async #takeArgument(word: string): Promise<void> {
    const name = this.verb === '' ? word : `${this.verb} ${word}`;
    const row = this.#arguments === 0 ? VERBS.find((each) => each.name === name) : undefined;
    if (row) {
      this.#command = new Command();
      (await row.load()).verb(this.#command, () => async () => {});
      this.verb = name;
    } else if (this.verb === '') this.verb = word;
    else this.#arguments += 1;
  }

  #all(): readonly Option[] {
    return [...this.#command.options, ...this.#globals];
  }

  /** What the next argument may be. */
  argument(): Choices {
    const known = this.#command.registeredArguments;
    const last = known.at(-1);
    const next = known[this.#arguments] ?? (last?.variadic ? last : undefined);
    if (!next) return {};
    const choices = argumentChoices(this.verb, next.name());
    // `restrict` takes its mode behind the targets.
    if (this.verb !== 'restrict' || this.#arguments === 0) return choices;
    return { ...choices, words: [...(argumentChoices('', 'mode').words ?? []), ...(choices.words ?? [])] };
  }

  /** The verbs that may come next: all, or those under this noun. */
  verbs(): Place['described'] {
    if (this.#arguments > 0) return [];
    const under = (row: VerbRow): Place['described'] => {
      const [first = '', second] = row.name.split(' ');
      if (this.verb === '') return second === undefined ? [[first, row.summary]] : [];
      return first === this.verb && second !== undefined ? [[second, row.summary]] : [];
    };
    const rows = VERBS.flatMap(under);
    return this.verb === '' ? [...rows, ...Object.entries(GROUPS)] : rows;
  }

  options(): Place['described'] {
    const all = this.#all().map(({ long, description }) => [long ?? '', description] as const);
    const help = ['--help', 'what it does and takes'] as const;
    return [...all, help].filter(([long]) => long !== '' && !this.#used.has(long));
  }
}
