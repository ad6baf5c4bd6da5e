import type { ControlPlane } from '../control-plane.ts';
import { givenAutonomy } from '../given/autonomy.ts';
import { givenFlags } from '../given/flags.ts';
import { givenLimit } from '../given/limit.ts';
import { givenMode } from '../given/mode.ts';
import { type Acting, answerTo } from './acting.ts';

type Setting = 'setMode' | 'setLimit' | 'setAutonomy' | 'setFlags';

/** Values that are set, and nothing else. */
export const setting = (acting: Acting): Pick<ControlPlane, Setting> => ({
  async setMode(options) {
    return acting.setOrStop(givenMode(options));
  },

  async setLimit(options) {
    return acting.setOrStop(givenLimit(options));
  },

  async setAutonomy(options) {
    return acting.setOrStop(givenAutonomy(options));
  },

  async setFlags(options) {
    return answerTo(await acting.set(givenFlags(options)));
  },
});
