import { z } from 'zod';
import { ALERT_EVENTS, KillSwitchError, timeSchema } from '../../flags/index.ts';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';

/** Where a target is, and with which key its alerts are signed. `where`: an address, or a command. */
export const secretSchema = z.strictObject({ where: z.string().min(1), secret: z.string().nullable() });

/** How far a target has been told. */
export const progressSchema = z.strictObject({
  /** The changes of the log up to this epoch, and the notices up to this number, are delivered or given up. */
  epoch: z.int().min(0),
  notice: z.int().min(0),
  /** The alert that is tried, with how often that has failed. */
  trying: z.strictObject({ id: z.string(), failures: z.int().min(1), next_at: timeSchema }).nullable(),
  delivered_at: timeSchema.nullable(),
  failure: z.strictObject({ at: timeSchema, problem: z.string() }).nullable(),
});
export interface Progress extends z.infer<typeof progressSchema> {}

/** Something that no change in the log says. */
const noticeSchema = z.strictObject({
  /** Counts the notices of a switch: 1, 2, … */
  number: z.int().min(1),
  id: z.string(),
  type: z.enum(ALERT_EVENTS),
  at: timeSchema,
  data: z.custom<Readonly<Record<string, unknown>>>((value) => typeof value === 'object' && value !== null),
});

/** The notices that are not delivered everywhere yet, and what was told and still is so. */
export const noticesSchema = z.strictObject({
  last: z.int().min(0),
  list: z.array(noticeSchema),
  /** By what is so: since when it is so no more; null: it is. */
  told: z.record(z.string(), timeSchema.nullable()),
});
export interface Notices extends z.infer<typeof noticesSchema> {}

/** Which process sends, and how often it has said so. */
export const senderSchema = z.strictObject({ holder: z.string(), beat: z.int().min(0), at: timeSchema });

/** The names of the records. */
export const NAMES = {
  sender: 'sender',
  notices: 'notices',
  secret: (id: string) => `target-${id}`,
  progress: (id: string) => `progress-${id}`,
} as const;

/** The value in a text; null where there is none. @throws KillSwitchError CORRUPT, UNKNOWN_ENTRY */
export function readRecord<T>(schema: z.ZodType<T>, name: string, text: string | undefined): T | null {
  if (text === undefined) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    const what = /^[a-z]+/.exec(name)?.[0] ?? name;
    // Neither the text nor what the parser says of it is repeated: both may have what is secret.
    throw new KillSwitchError(
      'CORRUPT',
      `What is kept for alerts (${what}) cannot be read: it is damaged, or a newer version wrote it.`,
    );
  }
}

/** A record that one process keeps, and others may have changed meanwhile. */
export class Kept<T> {
  readonly #keeper: AlertKeeper;
  readonly #name: string;
  readonly #schema: z.ZodType<T>;
  #text: string | null = null;

  constructor(keeper: AlertKeeper, name: string, schema: z.ZodType<T>) {
    this.#keeper = keeper;
    this.#name = name;
    this.#schema = schema;
  }

  /** As it is now; null where there is none. */
  async read(): Promise<T | null> {
    const found = await this.#keeper.read([this.#name]);
    this.#text = found.get(this.#name) ?? null;
    return readRecord(this.#schema, this.#name, this.#text ?? undefined);
  }

  /** Replaces what was read or written last. False where another process has changed it since: read it again. */
  async write(value: T | null): Promise<boolean> {
    const text = value === null ? null : JSON.stringify(value);
    if (!(await this.#swap(text))) return false;
    this.#text = text;
    return true;
  }

  async #swap(text: string | null): Promise<boolean> {
    try {
      return await this.#keeper.swap(this.#name, this.#text, text);
    } catch (error) {
      // It may have been written all the same, and only the answer was lost.
      const found = await this.#keeper.read([this.#name]).catch(() => null);
      if (found && (found.get(this.#name) ?? null) === text) return true;
      throw error;
    }
  }

  /** Whether it is still as this process has read or written it last. */
  async isUnchanged(): Promise<boolean> {
    return ((await this.#keeper.read([this.#name])).get(this.#name) ?? null) === this.#text;
  }
}
