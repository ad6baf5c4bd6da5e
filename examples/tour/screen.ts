/** Where the tour is shown: in a terminal with counters that move, elsewhere as plain lines. */
export interface Screen {
  title(text: string): void;
  say(text: string): void;
  /** A command as one would type it. */
  command(text: string): void;
  /** A line that the next one replaces; only in a terminal. */
  live(text: string): void;
  table(rows: readonly (readonly string[])[]): void;
  loud(text: string): void;
}

export function createScreen(out: NodeJS.WriteStream): Screen {
  const isTerminal = out.isTTY === true;
  const colours = isTerminal && !process.env['NO_COLOR'];
  const style = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const line = (text: string): void => void out.write(`${isTerminal ? '\r\u001b[2K' : ''}${text}\n`);
  return {
    title: (text) => line(`\n${style(1, text)}`),
    say: (text) => line(`   ${text}`),
    command: (text) => line(style(36, `   $ ${text}`)),
    live: (text) =>
      void (isTerminal && out.write(`\r\u001b[2K${style(2, `   ${text}`.slice(0, (out.columns || 80) - 1))}`)),
    table(rows) {
      const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
      for (const row of rows)
        line(`   ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd());
    },
    loud: (text) => line(`\n${style(31, `FAILED: ${text}`)}`),
  };
}
