import { randomUUID } from 'node:crypto';
import type { ControlPlane } from '../control-plane.ts';
import { takesNone } from '../given/checks.ts';
import { givenRecover } from '../given/recover.ts';
import { givenUpBy, isSeen } from '../given-up.ts';
import { JUDGED_BY, judgeReports } from '../judge-reports.ts';
import { ChangeRefusedError } from '../refusals.ts';
import type { Acting } from './acting.ts';

/** How a control plane begins, and how it begins again where its store was changed. */
export function beginning(acting: Acting): Pick<ControlPlane, 'init' | 'recover'> {
  const { connection } = acting;

  async function losses() {
    const view = await connection.read(JUDGED_BY);
    const beats = await connection.executors();
    const remembered = view.head ? [] : await connection.anchors?.remembered();
    return { view, beats, remembered };
  }

  return {
    async init(...given: readonly unknown[]) {
      takesNone('init', given);
      const { beats, view, remembered } = await losses();
      if (!view.head && givenUpBy(beats, view, { remembered }).total > 0)
        throw new ChangeRefusedError({ kind: 'wiped', place: acting.opened.place });
      const { event, view: after } = await acting.append({ type: 'init', generation: randomUUID() });
      return { epoch: event.seq, already: false, mode: after.get('mode')?.mode ?? 'draft_only' };
    },

    async recover(options) {
      const { create, event: asked } = givenRecover(options);
      const { beats, view, remembered } = await losses();
      const { head } = view;
      const reported = head ? await connection.forks?.read(head.generation) : undefined;
      const lost = givenUpBy(beats, view, { reports: reported?.reports, remembered });
      const { heads: givenUp, total, ignored } = lost;
      const { log, dropper } = connection;
      const read = { log, dropper, forks: reported ? { read: async () => reported } : null };
      const { forks } = await judgeReports(beats, view, read);
      const generation = randomUUID();
      const begins = create || isSeen(beats, lost);
      // The epoch refuses the second of two simultaneous ones.
      const command = { type: 'recover', generation, givenUp, begins, epoch: head?.epoch ?? 0, ...asked } as const;
      const { event, view: after } = await acting.append(command);
      return {
        epoch: event.seq,
        already: false,
        given_up: givenUp,
        given_up_count: total,
        ignored,
        forks,
        excluded: after.get('control')?.excluded ?? [],
        created: !head,
      };
    },
  };
}
