import { describeClosing, withStore } from './closing-scenes.ts';
import { stores } from './real-sides.ts';

describeClosing(stores.flatMap(([name, open]) => withStore(name, open)));
