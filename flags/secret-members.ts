// Members that say what the value beside them is; guard/secret-beside.ts looks for them in objects,
// secret-neighbours.ts in texts.

/** Members that name the value: `{ name: 'Authorization', value: '…' }`. */
export const NAME_MEMBERS = [
  'name',
  'key',
  'header',
  'field',
  'param',
  'parameter',
  'variable',
  'label',
  'option',
  'k',
];

/** Members that name the field where the value is typed: `{ selector: '#password', value: '…' }`. */
export const FIELD_MEMBERS = ['selector', 'locator', 'xpath', 'css', 'element', 'id', 'ref', 'placeholder'];

/** Members that hold the value. */
export const VALUE_MEMBERS = ['value', 'values', 'val', 'v', 'content', 'data', 'text', 'default'];
