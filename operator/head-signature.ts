import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { epochSchema, type Head, hashSchema, idSchema, invalid, timeSchema } from '../flags/index.ts';

// A signed export is a file of lines: the header, the events as they were hashed, the head, and the signature of the
// line of the head, by which a stranger can check all of it: docs/log.md shows how.

const VERSION = 1;

/** The first line of a signed export. */
export const HEADER = JSON.stringify({ format: 'kill-switch-log', version: VERSION });

export const headerSchema = z.object({ format: z.literal('kill-switch-log'), version: z.int() });

const headLineSchema = z.strictObject({
  format: z.literal('kill-switch-log-head'),
  version: z.literal(VERSION),
  organization_id: idSchema,
  generation: z.string().min(1),
  epoch: epochSchema,
  hash: hashSchema,
  /** How many events there are up to it. */
  events: z.int().min(1),
  /** By the clock of whoever signed it. */
  signed_at: timeSchema,
});

const signatureLineSchema = z.strictObject({
  algorithm: z.literal('Ed25519'),
  public_key: z.string().max(1000),
  signature: z.base64(),
});

/** Who has signed which head, and when by their own clock. */
export interface SignedHead extends Readonly<z.infer<typeof headLineSchema>> {
  /** Names the key: `sha256:` and the SHA-256 of the public key in DER. */
  readonly fingerprint: string;
}

/** What signs heads. */
export interface HeadSigner {
  readonly fingerprint: string;
  /** The last two lines of a signed export. */
  lines(head: Head, of: { readonly organizationId: string; readonly events: number; readonly at: string }): string[];
}

const fingerprintOf = (key: KeyObject): string =>
  `sha256:${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;

/**
 * @param pem an Ed25519 private key, PKCS #8 in PEM, without a passphrase
 * @throws KillSwitchError INVALID_ARGUMENT, without any of the key
 */
export function headSigner(pem: string): HeadSigner {
  const key = privateKey(pem);
  const publicKey = createPublicKey(key);
  return {
    fingerprint: fingerprintOf(publicKey),
    lines({ generation, epoch, hash }, { organizationId, events, at }) {
      const head = JSON.stringify({
        format: 'kill-switch-log-head',
        version: VERSION,
        organization_id: organizationId,
        ...{ generation, epoch, hash, events },
        signed_at: at,
      });
      const signature = JSON.stringify({
        algorithm: 'Ed25519',
        public_key: publicKey.export({ type: 'spki', format: 'pem' }),
        signature: sign(null, Buffer.from(head, 'utf8'), key).toString('base64'),
      });
      return [head, signature];
    },
  };
}

function privateKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    // The message of OpenSSL says nothing to people, and may quote the key.
    throw invalid(`The key is not taken: ${whatIsWrong(pem)}. ${MAKE_ONE}`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw invalid(`The key is not taken: it is of type ${key.asymmetricKeyType}, not Ed25519. ${MAKE_ONE}`);
}

const MAKE_ONE = 'One is made by: openssl genpkey -algorithm ed25519 -out FILE';

function whatIsWrong(pem: string): string {
  if (/BEGIN PUBLIC KEY/.test(pem)) return 'it is a public key, with which nothing can be signed';
  if (/ENCRYPTED/.test(pem)) return 'it is protected by a passphrase, which nothing here asks for';
  if (/BEGIN OPENSSH PRIVATE KEY/.test(pem)) return 'it is a key of OpenSSH, not one in PKCS #8';
  return 'it is no private key in PEM (PKCS #8)';
}

/**
 * The head of a signed export, by its last two lines; or, as a sentence, what is wrong with them.
 */
export function readSignedHead(headLine: string, signatureLine: string): SignedHead | string {
  const head = headLineSchema.safeParse(jsonOf(headLine));
  const signed = signatureLineSchema.safeParse(jsonOf(signatureLine));
  if (!head.success || !signed.success) return 'It does not end in a signed head: it was cut off or edited.';
  let key: KeyObject;
  try {
    key = createPublicKey(signed.data.public_key);
  } catch {
    return 'Its public key cannot be read.';
  }
  if (key.asymmetricKeyType !== 'ed25519') return `Its public key is of type ${key.asymmetricKeyType}, not Ed25519.`;
  const bytes = Buffer.from(signed.data.signature, 'base64');
  if (!verify(null, Buffer.from(headLine, 'utf8'), key, bytes))
    return 'Its signature is not one of its head by its key: one of the three was changed.';
  return { ...head.data, fingerprint: fingerprintOf(key) };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A fingerprint as people pass it on: with or without `sha256:`, in any case. @throws KillSwitchError */
export function givenFingerprint(text: string): string {
  const hex = /^(?:sha256:)?([0-9a-f]{64})$/.exec(text.toLowerCase())?.[1];
  if (hex !== undefined) return `sha256:${hex}`;
  throw invalid('A fingerprint is sha256: and 64 hexadecimal digits, as log export --signed prints it.');
}
