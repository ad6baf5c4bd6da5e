import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { describeClosing, WITHOUT_STORE, withStore } from './closing-scenes.ts';

describeClosing([
  ...withStore('memory', () => {
    const store = memoryStore();
    return { store, controlStore: memoryControlStore(store) };
  }),
  ...WITHOUT_STORE,
]);
