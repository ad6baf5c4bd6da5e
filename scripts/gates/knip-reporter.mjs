/** Prints knip's findings and how many files it read, as one JSON object.
 * @param {import('knip').ReporterOptions} options */
export default function report({ issues, counters }) {
  const problems = Object.values(issues).flatMap((byFile) =>
    Object.values(byFile).flatMap((bySymbol) =>
      Object.values(bySymbol).map(({ type, filePath, symbol, line }) => ({ type, filePath, symbol, line })),
    ),
  );
  process.stdout.write(JSON.stringify({ processed: counters.processed, problems }));
}
