// Members that say what the value beside them is: guard/redact.ts finds them in objects, secret-neighbours.ts in texts.

/** It is called so: `{ name: 'Authorization', value: '…' }`. */
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

/** It is typed there: `{ selector: '#password', value: '…' }`. */
export const FIELD_MEMBERS = ['selector', 'locator', 'xpath', 'css', 'element', 'id', 'ref', 'placeholder'];

/** In these that value stands. */
export const VALUE_MEMBERS = ['value', 'values', 'val', 'v', 'content', 'data', 'text', 'default'];
