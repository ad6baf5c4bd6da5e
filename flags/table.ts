// For our own tables, which have exactly the keys of their types.

/** The keys of a table. */
export function keysOf<Table extends object>(table: Table): Array<Extract<keyof Table, string>> {
  const keys: Array<Extract<keyof Table, string>> = [];
  for (const key in table) keys.push(key);
  return keys;
}

/** The rows of a table. */
export const rowsOf = <Key extends string, Row>(table: Readonly<Record<Key, Row>>): Array<[Key, Row]> =>
  keysOf(table).map((key) => [key, table[key]]);

/** A table with a row for each of these keys. */
export const tableOf = <Key extends string, Row>(
  keys: readonly Key[],
  rowFor: (key: Key) => Row,
): Readonly<Record<Key, Row>> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries does not say which keys it was given
  Object.fromEntries(keys.map((key) => [key, rowFor(key)])) as Record<Key, Row>;

/** The same table with other values. */
export const mapRows = <Key extends string, Row, Other>(
  table: Readonly<Record<Key, Row>>,
  change: (row: Row) => Other,
): Readonly<Record<Key, Other>> => tableOf<Key, Other>(keysOf(table), (key) => change(table[key]));
