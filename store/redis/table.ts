// For our own tables, which have exactly the keys of their types: both assertions rest on that.

/** The rows of a table. */
export const rowsOf = <Key extends string, Row>(table: Readonly<Record<Key, Row>>): Array<[Key, Row]> =>
  Object.entries(table) as Array<[Key, Row]>;

/** The same table with other values. */
export const mapRows = <Key extends string, Row, Other>(
  table: Readonly<Record<Key, Row>>,
  change: (row: Row) => Other,
): Readonly<Record<Key, Other>> =>
  Object.fromEntries(rowsOf(table).map(([key, row]) => [key, change(row)])) as Record<Key, Other>;
