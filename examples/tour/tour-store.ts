import { link, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileControlStore } from '../../store/file/control.ts';
import type { ControlStore } from '../../store/ports.ts';
import type { AgentStore } from './agent.ts';

/** Something bad that the tour does to the store, and undoes. */
export interface Fault {
  readonly begins: string;
  begin(): Promise<void>;
  readonly ends: string;
  end(): Promise<void>;
}

/** Where the tour's switch is kept, and how it can be hurt. */
export interface TourStore {
  readonly description: string;
  readonly organizationId: string;
  readonly forAgents: AgentStore;
  readonly control: ControlStore;
  /** Nothing can be confirmed any more. */
  readonly silence: Fault;
  /** Everything is gone, then put back. */
  readonly loss: Fault;
  /** Removes what the tour has put there. */
  remove(): Promise<void>;
}

/** A switch in a folder of the tour's own. */
export function fileTourStore(folder: string): TourStore {
  const directory = join(folder, 'switch');
  const control = join(directory, 'control');
  const log = join(control, 'default', 'log.jsonl');
  return {
    description: `a folder (${directory})`,
    organizationId: 'default',
    forAgents: { kind: 'file', directory },
    control: fileControlStore({ directory }),
    silence: {
      begins: 'Another program overwrites the log of the switch.',
      async begin() {
        const broken = join(folder, 'broken');
        await writeFile(broken, 'this is not a log\n');
        await mkdir(join(folder, 'aside'), { recursive: true });
        await link(log, join(folder, 'aside', 'log.jsonl'));
        await rename(broken, log);
      },
      ends: 'The good log is put back.',
      end: () => rename(join(folder, 'aside', 'log.jsonl'), log),
    },
    loss: {
      begins: 'The control folder is moved away: the switch is gone, as after a wiped disk.',
      begin: () => rename(control, join(folder, 'gone')),
      ends: 'The folder is moved back. It could be an old copy, so the agents wait for an operator.',
      end: () => rename(join(folder, 'gone'), control),
    },
    async remove() {}, // goes with the folder
  };
}
