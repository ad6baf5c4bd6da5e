/**
 * This package's version, as executors report it and the command prints it. The gate of the package holds it against
 * package.json.
 */
export const VERSION = '0.1.0';
