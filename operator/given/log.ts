import { invalid } from '../../flags/index.ts';
import { checkKeys, checkType, type Keys } from '../../flags/options.ts';
import { givenFingerprint, headSigner, type HeadSigner } from '../head-signature.ts';
import { type GivenReason, readReason } from '../reason.ts';
import { isoTime, wholeNumber } from './checks.ts';

/** With what a log is compared. */
export interface VerifyOptions {
  /**
   * A file: an export, signed or not, or a head (a line `EPOCH HASH`, or the JSON of one). What it says must be in the
   * log.
   */
  readonly against?: string | undefined;
  /**
   * The fingerprint of the key that must have signed it: `sha256:` and 64 hexadecimal digits. Where an export is
   * verified by itself: that must have signed this one.
   */
  readonly fingerprint?: string | undefined;
}

/** How a log is exported. */
export interface ExportLinesOptions {
  /**
   * Signs the head: an Ed25519 private key, PKCS #8 in PEM, without a passphrase. Default: the export is not signed.
   */
  readonly key?: string | undefined;
}

/** `file`: where it is written; an older export of the same log is replaced there, and nothing else. */
export interface ExportLogOptions extends ExportLinesOptions {
  readonly file: string;
}

/** Which part of the log is archived, and why: the newest that may be, up to what is named. */
export interface ArchiveLogOptions extends ExportLogOptions {
  readonly reason: string;
  /** At most up to this epoch. */
  readonly epoch?: number | undefined;
  /** Only what is older than that: a Date, or RFC 3339 with its zone. */
  readonly before?: string | Date | undefined;
}

/** `before`: in milliseconds since 1970. */
export interface GivenArchive extends GivenLines {
  readonly file: string;
  readonly epoch: number | undefined;
  readonly before: number | undefined;
  readonly reason: GivenReason;
}

interface GivenLines {
  readonly signer: HeadSigner | null;
}

const VERIFY_KEYS: Keys<VerifyOptions> = { against: ['file', 'export', 'head'], fingerprint: ['key'] };

export function givenVerify(what: string, options: VerifyOptions): VerifyOptions {
  const { against, fingerprint } = checkKeys(what, options, VERIFY_KEYS);
  if (against !== undefined) fileName('against', against);
  checkType('fingerprint', fingerprint, 'string');
  return { against, fingerprint: fingerprint === undefined ? undefined : givenFingerprint(fingerprint) };
}

export function givenLines(options: ExportLinesOptions): GivenLines {
  return { signer: signerOf(checkKeys('exportLines', options, { key: true }).key) };
}

export function givenExport(options: ExportLogOptions): GivenLines & { readonly file: string } {
  const { file, key } = checkKeys<ExportLogOptions>('exportLog', options, { file: ['path'], key: true });
  return { file: fileName('file', file), signer: signerOf(key) };
}

export function givenArchive(options: ArchiveLogOptions): GivenArchive {
  const keys: Keys<ArchiveLogOptions> = {
    ...{ file: ['path'], key: true, reason: ['why', 'because'] },
    ...{ epoch: ['until', 'upTo'], before: ['olderThan'] },
  };
  const { file, key, reason, epoch, before } = checkKeys<ArchiveLogOptions>('archiveLog', options, keys);
  return {
    ...{ file: fileName('file', file), signer: signerOf(key), reason: readReason(reason) },
    epoch: epoch === undefined ? undefined : wholeNumber('epoch', epoch, 1),
    before: before === undefined ? undefined : Date.parse(isoTime(before)),
  };
}

function signerOf(key: string | undefined): HeadSigner | null {
  if (key === undefined) return null;
  if (typeof key !== 'string') throw invalid('key is the text of a private key in PEM.');
  return headSigner(key);
}

export function fileName(what: string, file: unknown): string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return file;
  throw invalid(`${what} is the name of a file.`);
}
