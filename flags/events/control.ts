import { z } from 'zod';
import { archiveSchema } from '../archive.ts';
import { type Entry, entryKey, FIRST_FORMAT } from '../entries.ts';
import { INITIAL_MODE } from '../modes.ts';
import { epochSchema, hashSchema, headSchema } from '../records.ts';
import { changedBy, NOTHING, row } from './row.ts';

export const init = row(
  { generation: z.string().min(1) },
  (_view, { generation }, event) => ({
    patch: {
      set: [
        [
          entryKey('control'),
          { format: FIRST_FORMAT, generation, generations: [generation], recovered: false, ...changedBy(event) },
        ],
        [entryKey('mode'), { mode: INITIAL_MODE, targeting: null, ...changedBy(event) }],
      ],
      remove: [],
    },
    direction: 'loosens',
  }),
  { begins: 'log' },
);

/** `excluded`: the names whose reports of forks are not believed from now on. */
export const recover = row(
  { generation: z.string().min(1), given_up: z.array(headSchema), excluded: z.array(z.string()).optional() },
  (view, data, event) => {
    const before = view.get('control');
    const control: Entry<'control'> = {
      format: before?.format ?? FIRST_FORMAT,
      generation: data.generation,
      generations: [
        ...new Set([...(before?.generations ?? []), ...data.given_up.map((head) => head.generation), data.generation]),
      ],
      ...(data.excluded && data.excluded.length > 0 && { excluded: data.excluded }),
      recovered: true,
      ...changedBy(event),
    };
    const mode = view.get('mode') ?? { mode: INITIAL_MODE, targeting: null, ...changedBy(event) };
    return {
      patch: {
        set: [
          [entryKey('control'), control],
          [entryKey('mode'), mode],
        ],
        remove: [],
      },
      direction: 'loosens',
    };
  },
  { begins: 'recovery' },
);

/**
 * A store keeps the state of that epoch in a file with this digest: readers that find this event in the log may begin
 * with that file.
 */
export const snapshot = row(
  { epoch: epochSchema, digest: hashSchema },
  () => ({ patch: NOTHING, direction: 'neutral' }),
  {
    isUpkeep: true,
  },
);

/** The first part of the log is in a file: from then on a store may drop what comes before the event of `head`. */
export const archive = row(archiveSchema.shape, (_view, { head, events, first, digest, file }, event) => ({
  patch: { set: [[entryKey('archive'), { head, events, first, digest, file, ...changedBy(event) }]], remove: [] },
  direction: 'neutral',
}));
